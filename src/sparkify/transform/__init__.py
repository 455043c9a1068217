"""Transform: turn chunks of lines into rows of the star. The judge decides on doubtful lines."""
