/* The page views of a chunk. Each becomes its row at once: none is compared with others here. */
#include <stdlib.h>

#include "calendar.h"
#include "ids.h"
#include "rows.h"

/* Append the row, in the order of analytics.page_views; false if memory is short. */
static bool add_row(Buffer *rows, const PageView *view, int64_t line, int32_t file_id) {
    const Datum *columns = view->columns, *status = &columns[VIEW_STATUS];
    uint8_t *at = copy_row(rows, 6 + VIEW_COLUMNS, text_bytes_of(columns, VIEW_COLUMNS));
    if (!at) return false;
    at = copy_timestamp(at, view->ts);
    at = copy_bigint(at, page_view_id(view));
    at = copy_bigint(at, view->session_id);
    at = copy_bigint(at, view->item_in_session);
    at = copy_datums(at, columns, VIEW_STATUS);
    at = status->type == BIGINT ? copy_integer(at, (int32_t)status->bigint) : copy_null(at);
    at = copy_integer(at, file_id);
    at = copy_bigint(at, line);
    copy_row_end(rows, at);
    return true;
}

/* As analytics.is_error tells (schema/functions.sql). */
static bool is_error(const PageView *view) {
    const Datum *status = &view->columns[VIEW_STATUS];
    if (status->type == BIGINT && status->bigint >= 400 && status->bigint <= 599) return true;
    return text_is(view->columns[VIEW_PAGE].text, "Error");
}

static bool keep_text(Plays *plays, const Datum *datum, uint32_t *number) {
    Text text = datum->type == TEXT ? datum->text : (Text){0};
    return texts_add(&plays->batch.texts, &plays->seed, text, number);
}

bool plays_add_view(Plays *plays, const PageView *view, uint32_t slice, int64_t line) {
    Chunk *chunk = &plays->chunk;
    if (!make_room(&chunk->views, &chunk->view_room, chunk->view_count + 1, sizeof *chunk->views)) return false;
    SeenPage *seen = &chunk->views[chunk->view_count];
    const Datum *user = &view->columns[VIEW_USER_ID];
    *seen = (SeenPage){
        .session_id = view->session_id,
        .user_id = user->type == BIGINT ? user->bigint : 0,
        .ts = view->ts,
        .start = chunk->view_rows.size,
        .day = day_of(view->ts),
        .slice = slice,
        .has_user = user->type == BIGINT,
        .is_error = is_error(view),
    };
    seen->month = chunk->view_count && seen[-1].day == seen->day ? seen[-1].month : month_of(seen->day);
    Slice *of_line = &chunk->lines.slices[slice];
    if (!keep_text(plays, &view->columns[VIEW_LEVEL], &seen->level)
        || !keep_text(plays, &view->columns[VIEW_PAGE], &seen->page)
        || !add_row(&chunk->view_rows, view, line, of_line->file_id)
        || !by_month_add(&chunk->of_views, seen->month, chunk->view_count))
        return false;
    chunk->view_count++;
    of_line->page_views++;
    return true;
}

void views_forget(Chunk *chunk, const int64_t *user_ids, size_t count) {
    for (size_t at = 0; at < chunk->view_count; at++) {
        SeenPage *seen = &chunk->views[at];
        if (!seen->has_user || seen->is_forgotten) continue;
        if (!bsearch(&seen->user_id, user_ids, count, sizeof *user_ids, compare_user_ids)) continue;
        seen->is_forgotten = true;
        chunk->lines.slices[seen->slice].page_views--;
        chunk->lines.slices[seen->slice].forgotten++;
    }
}

bool rows_of_page_views(Plays *plays, int32_t month, Buffer *buffer) {
    const Chunk *chunk = &plays->chunk;
    Walk walk = by_month_find(&chunk->of_views, month);
    for (uint32_t number; walk_next(&walk, &number);) {
        const SeenPage *seen = &chunk->views[number];
        size_t end = number + 1 < chunk->view_count ? seen[1].start : chunk->view_rows.size;
        if (seen->is_forgotten) continue;
        if (!buffer_add(buffer, chunk->view_rows.data + seen->start, end - seen->start)) return false;
    }
    return true;
}
