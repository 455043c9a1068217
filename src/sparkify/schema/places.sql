-- In which time zone a place lies, as far as its name tells for certain. The names are those of the metropolitan areas of the United
-- States, like "Chicago-Naperville-Elgin, IL-IN-WI". Zones are those of the IANA database; which county has which is law (49 CFR 71).
--
-- 1. A state whose areas all lie in one zone tells the zone, and so do several states with the same. AK counts: only the Aleutian
--    Islands, which have no area, differ. Puerto Rico (PR) counts as a state.
-- 2. FL, IN, KS, KY, ID, MI, ND, NE, OR, SD, TN and TX lie in two zones. Their areas are listed where all of its counties are in one.
--    So Chattanooga, TN-GA, Panama City, FL, and Bismarck, ND, are left out, and so is any area that is not listed.
-- 3. States of different zones tell nothing: people in Columbus, GA-AL, live by both clocks.
-- 4. The rest are exceptions in states of one zone: the Navajo Nation has summer time, Arizona has none; West Wendover keeps the time
--    of Utah, and Valley that of Georgia.
CREATE OR REPLACE FUNCTION analytics.zone_of(location text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
WITH states (zone, names) AS (VALUES
    ('America/New_York', '{CT,DC,DE,GA,MA,MD,ME,NC,NH,NJ,NY,OH,PA,RI,SC,VA,VT,WV}'::text[]),
    ('America/Chicago', '{AL,AR,IA,IL,LA,MN,MO,MS,OK,WI}'),
    ('America/Denver', '{CO,MT,NM,UT,WY}'),
    ('America/Phoenix', '{AZ}'),
    ('America/Los_Angeles', '{CA,NV,WA}'),
    ('America/Anchorage', '{AK}'),
    ('Pacific/Honolulu', '{HI}'),
    ('America/Puerto_Rico', '{PR}')
),
areas (zone, names) AS (VALUES
    ('America/New_York', ARRAY[
        'Ann Arbor, MI', 'Battle Creek, MI', 'Bay City, MI', 'Cape Coral-Fort Myers, FL', 'Cincinnati, OH-KY-IN', 'Cleveland, TN',
        'Deltona-Daytona Beach-Ormond Beach, FL', 'Detroit-Warren-Dearborn, MI', 'Elizabethtown-Fort Knox, KY', 'Flint, MI',
        'Gainesville, FL', 'Grand Rapids-Wyoming, MI', 'Homosassa Springs, FL', 'Huntington-Ashland, WV-KY-OH', 'Jackson, MI',
        'Jacksonville, FL', 'Johnson City, TN', 'Kalamazoo-Portage, MI', 'Kingsport-Bristol-Bristol, TN-VA', 'Knoxville, TN',
        'Lakeland-Winter Haven, FL', 'Lansing-East Lansing, MI', 'Lexington-Fayette, KY', 'London, KY',
        'Louisville/Jefferson County, KY-IN', 'Miami-Fort Lauderdale-West Palm Beach, FL', 'Midland, MI', 'Monroe, MI',
        'Morristown, TN', 'Muskegon, MI', 'Naples-Immokalee-Marco Island, FL', 'Niles-Benton Harbor, MI',
        'North Port-Sarasota-Bradenton, FL', 'Ocala, FL', 'Orlando-Kissimmee-Sanford, FL', 'Palm Bay-Melbourne-Titusville, FL',
        'Port St. Lucie, FL', 'Punta Gorda, FL', 'Saginaw, MI', 'Sebastian-Vero Beach, FL', 'Sebring, FL', 'Tallahassee, FL',
        'Tampa-St. Petersburg-Clearwater, FL', 'The Villages, FL']),
    ('America/Indiana/Indianapolis', ARRAY[
        'Bloomington, IN', 'Columbus, IN', 'Elkhart-Goshen, IN', 'Fort Wayne, IN', 'Indianapolis-Carmel-Anderson, IN', 'Kokomo, IN',
        'Lafayette-West Lafayette, IN', 'Muncie, IN', 'Plymouth, IN', 'South Bend-Mishawaka, IN-MI', 'Terre Haute, IN']),
    ('America/Chicago', ARRAY[
        'Abilene, TX', 'Amarillo, TX', 'Austin-Round Rock, TX', 'Beaumont-Port Arthur, TX', 'Bowling Green, KY',
        'Brownsville-Harlingen, TX', 'Chicago-Naperville-Elgin, IL-IN-WI', 'Clarksville, TN-KY', 'College Station-Bryan, TX',
        'Corpus Christi, TX', 'Crestview-Fort Walton Beach-Destin, FL', 'Dallas-Fort Worth-Arlington, TX', 'Evansville, IN-KY',
        'Fargo, ND-MN', 'Grand Forks, ND-MN', 'Grand Island, NE', 'Houston-The Woodlands-Sugar Land, TX', 'Jackson, TN',
        'Kansas City, MO-KS', 'Killeen-Temple, TX', 'Laredo, TX', 'Lawrence, KS', 'Lincoln, NE', 'Longview, TX', 'Lubbock, TX',
        'Manhattan, KS', 'Marinette, WI-MI', 'McAllen-Edinburg-Mission, TX', 'Memphis, TN-MS-AR', 'Michigan City-La Porte, IN',
        'Midland, TX', 'Nashville-Davidson--Murfreesboro--Franklin, TN', 'Odessa, TX', 'Omaha-Council Bluffs, NE-IA',
        'Owensboro, KY', 'Palestine, TX', 'Pensacola-Ferry Pass-Brent, FL', 'San Angelo, TX', 'San Antonio-New Braunfels, TX',
        'Sherman-Denison, TX', 'Sioux City, IA-NE-SD', 'Sioux Falls, SD', 'Texarkana, TX-AR', 'Topeka, KS', 'Tyler, TX',
        'Victoria, TX', 'Waco, TX', 'Wichita Falls, TX', 'Wichita, KS']),
    ('America/Denver', ARRAY['El Paso, TX', 'Rapid City, SD']),
    ('America/Boise', ARRAY['Boise City, ID', 'Idaho Falls, ID', 'Pocatello, ID', 'Twin Falls, ID']),
    ('America/Los_Angeles', ARRAY[
        'Albany, OR', 'Bend-Redmond, OR', 'Coeur d''Alene, ID', 'Corvallis, OR', 'Eugene, OR', 'Grants Pass, OR',
        'Klamath Falls, OR', 'Lewiston, ID-WA', 'Medford, OR', 'Portland-Vancouver-Hillsboro, OR-WA', 'Salem, OR']),
    (NULL, ARRAY['Elko, NV', 'Flagstaff, AZ', 'Show Low, AZ', 'Valley, AL'])
)
SELECT CASE WHEN EXISTS (SELECT FROM areas WHERE location = ANY(names)) THEN
    (SELECT zone FROM areas WHERE location = ANY(names))
ELSE
    (SELECT CASE WHEN count(zone) = count(*) AND count(DISTINCT zone) = 1 THEN min(zone) END
     FROM regexp_split_to_table(substring(location FROM ', ([A-Z]{2}(-[A-Z]{2})*)$'), '-') AS state
     LEFT JOIN states ON state = ANY(names))
END
$$;
COMMENT ON FUNCTION analytics.zone_of IS 'The IANA time zone in which a metropolitan area of the United States lies; NULL if its name does not tell for certain.';
