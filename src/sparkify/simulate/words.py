"""The words that names of people, artists and songs are made of; some with accents or in other scripts."""

from collections.abc import Sequence

Forms = Sequence[tuple[float, Sequence[Sequence[str]]]]


def _words(text: str) -> list[str]:
    return text.split()


WOMEN = _words("""Ada Adeline Aisha Alice Alma Amelia Anaïs Anna Aurora Ava Beatriz Bella Bianca Camila Cara
Carmen Cecilia Chloe Clara Cora Daisy Dalia Delia Edith Elena Elisa Ella Emma Esther Eva Fatima Fiona Flora
Freya Gabriela Gemma Gloria Grace Hana Hannah Hazel Helen Ida Ines Iris Isabel Ivy Jada Jane Jasmine Joan
Josefina Julia June Kaia Kate Keira Lana Laura Layla Leah Lena Lily Lucía Lucy Luna Mabel Maja Margot Maria
Marisol Maya Mei Mia Mila Mira Nadia Naomi Nell Nina Noor Nora Olive Paloma Penny Petra Phoebe Priya Quinn
Rosa Rose Ruby Ruth Sadie Salma Sara Selma Sienna Simone Sofia Stella Tara Tess Thea Uma Vera Violet Willa
Yara Ximena Zoe Zora""")

MEN = _words("""Aaron Adam Ahmed Alan Amir Andre Anton Arlo Arthur Asher Axel Beau Ben Boris Caleb Carl Cole
Damian Daniel Dario David Diego Dylan Eli Elias Emil Enzo Eric Ethan Ezra Felix Finn Frank Gabriel Gavin
George Hank Harry Hassan Hector Henry Hugo Ian Ivan Jack Jacob Jaime James Jasper Javier Joel Jonas Jordan
Jorge José Juan Jude Julian Kai Karim Kevin Kofi Lars Leo Liam Linus Logan Louis Luca Lucas Malik Marcus Mario
Martin Mateo Max Miguel Milo Nathan Niko Noah Oliver Omar Oscar Otto Owen Pablo Paul Peter Quentin Rafael Ravi
Ray Reed Remy Rhys Roman Ruben Ryan Sam Samir Saul Sean Sergio Silas Simon Søren Theo Thomas Tobias Tom Tyler
Victor Wade Walter Wes Will Wyatt Xavier Yusuf Zach""")

FAMILIES = _words("""Abbott Acosta Adler Ahmed Alvarez Anders Archer Baker Banks Barrett Bauer Bell Benítez
Berg Bishop Blake Bloom Bowen Boyd Brandt Brooks Bryant Burke Byrne Cain Calderón Carey Carver Castillo Chan
Chase Chung Clarke Cohen Cole Conway Cooper Crane Cross Cruz Dalton Davies Dean Diaz Doyle Drake Dunn Eaton
Ellis Estrada Evans Falk Farrell Fisher Flores Ford Foster Fox Frost Fuller Gallo García Gibbs Grant Graves
Gray Greene Griffin Gupta Hale Hall Hansen Harper Hart Hayes Henry Hill Holt Howard Hughes Hunt Ibarra Ingram
Irwin Ito Jansen Jensen Jones Joyce Kane Kaur Keller Khan Kim King Klein Knight Kowalski Kumar Lamb Lane
Larsen Lee Lin Lloyd Lopez Lowe Lund Lynch Marsh Martínez Mason May Mendoza Meyer Mills Moon Morales Moss
Müller Muñoz Murphy Nash Nguyen Noble Nolan Novak Nunez O'Brien O'Neal Okafor Olsen Ortiz Owens Park Parker
Patel Payne Peña Perry Petrov Pierce Poe Price Quinn Ramos Reed Reid Reyes Rhodes Rice Rivera Rojas Rossi Rowe
Ruiz Russo Salazar Santos Sato Schmidt Shaw Silva Singh Sloan Smith Snow Soto Stein Stone Suzuki Swan Tanaka
Tate Taylor Torres Tran Tucker Vance Vargas Vega Walsh Ward Watts Weber Wells West White Wilde Wolf Wong Wood
Wu Yang Young Zhang Zimmer""")

COLOURS = _words("""Amber Azure Black Blue Bright Broken Burning Copper Crimson Crooked Crystal Dark Distant
Dusty Electric Empty Endless Fading Fallen Foolish Frozen Gentle Ghostly Gilded Golden Green Grey Hidden
Hollow Holy Idle Ivory Jagged Last Lazy Little Lonely Long Lost Lucky Midnight Naked Neon New Northern Old
Pale Paper Perfect Plastic Purple Quiet Rainy Restless Royal Rusty Sacred Scarlet Secret Shallow Shining
Silent Silver Simple Slow Southern Stolen Strange Sweet Tender Tired Velvet Violet Wandering Warm Wasted
Wicked Wild Winter Wooden Yellow Young""")

THINGS = _words("""Alley Anchor Angel Arrow Ash Avenue Balcony Bell Bird Bloom Boat Bone Border Bottle
Boulevard Bridge Bullet Candle Canyon Cathedral Chain Circle City Cloud Coast Comet Corner Crown Dance Dawn
Desert Diamond Door Dream Dust Echo Ember Engine Exit Eye Feather Fever Field Fire Flame Flood Flower Forest
Fountain Garden Ghost Glass Guitar Harbor Heart Highway Hill Honey Horizon Hotel House Hurricane Island
Journey Kingdom Kiss Ladder Lake Lantern Letter Light Lightning Lion Machine Map Memory Mirror Moon Morning
Motel Mountain Night Ocean Orchard Parade Parlour Pearl Photograph Piano Planet Promise Radio Rain Rainbow
Record Ribbon River Road Rocket Roof Rose Sail Satellite Season Shadow Shore Silence Sky Smoke Snow Song Spark
Spring Star Station Storm Stranger Street Summer Sun Tide Tower Train Valley Voice Wall Water Wave Whisper
Wind Window Wing Winter Wolf""")

CREATURES = _words("""Actors Albatrosses Antelopes Astronauts Badgers Bandits Beekeepers Bells Boys Brothers
Butchers Cardinals Carpenters Cats Chauffeurs Cowboys Coyotes Crickets Crows Cyclones Dancers Daughters
Detectives Diplomats Dogs Dolls Doves Dreamers Drifters Eagles Electricians Elks Engines Fables Falcons Foxes
Gamblers Gardeners Geese Giants Girls Harbors Hares Hawks Herons Hounds Hunters Islands Jackals Kings Kites
Lanterns Larks Librarians Lions Lovers Magnets Magpies Mechanics Moths Navigators Nightingales Nomads Oceans
Orphans Otters Outlaws Owls Pallbearers Parrots Phantoms Pilgrims Pilots Pines Planets Poets Preachers
Promises Rabbits Radios Ravens Rebels Riders Rockets Runaways Sailors Saints Satellites Shadows Shepherds
Sinners Sisters Sparrows Spiders Strangers Swans Tailors Thieves Tigers Tourists Trees Turtles Twins Valleys
Vampires Violets Wanderers Waves Weavers Widows Wolves Wrens Zebras""")

DOINGS = _words("""Believe Break Burn Call Carry Catch Chase Dance Dream Drive Drown Fall Feel Find Fly Follow
Forget Forgive Give Haunt Hear Heal Hide Hold Hurt Keep Kiss Know Lead Leave Lift Listen Live Lose Love Mend
Miss Move Need Play Pray Remember Rescue Run Save Shake Shine Sing Sleep Stay Steal Swim Take Tell Touch Trust
Wait Wake Walk Want Watch""")

WHENS = [
    "Again",
    "All Night",
    "Anymore",
    "Forever",
    "From Here",
    "Home",
    "in the Dark",
    "in the Rain",
    "Like Before",
    "Slowly",
    "Somehow",
    "Till Morning",
    "Tomorrow",
    "Tonight",
    "Twice",
    "Until Sunday",
]

SPANISH = [
    "Corazón",
    "Canción",
    "Camino",
    "Mañana",
    "Niña",
    "Luna",
    "Fuego",
    "Sueño",
    "Río",
    "Montaña",
    "Adiós",
    "Otoño",
]
FRENCH = [
    "Été",
    "Forêt",
    "Rêve",
    "Lumière",
    "Fenêtre",
    "Poème",
    "Café",
    "Étoile",
    "Hôtel",
    "Fièvre",
    "Garçon",
    "Île",
]
NORTHERN = ["Hjärta", "Sólarljós", "Måne", "Fjörður", "Öken", "Høst", "Ævintýri", "Skärgård", "Snø", "Þoka"]
GERMAN = ["Frühling", "Straße", "Träume", "Süden", "Mädchen", "Grüße", "Nächte", "Vögel", "Königin", "Fuß"]
JAPANESE = ["夜", "花火", "東京", "さくら", "雨", "星空", "海", "夏"]
SLAVIC = ["Ночь", "Весна", "Дорога", "Żółw", "Źródło", "Večer", "Měsíc", "Zvěř"]

ARTIST_FORMS: Forms = [
    (30, [[*WOMEN, *MEN], [" "], FAMILIES]),
    (18, [["The "], COLOURS, [" "], CREATURES]),
    (12, [COLOURS, [" "], THINGS]),
    (10, [["The "], CREATURES]),
    (8, [THINGS, [" & The "], CREATURES]),
    (6, [THINGS, [" "], CREATURES]),
    (4, [["DJ ", "MC ", "Captain ", "Saint ", "Professor "], THINGS]),
    (3, [[*WOMEN, *MEN], [" & "], [*WOMEN, *MEN]]),
    (2, [COLOURS, [" "], THINGS, [" Orchestra", " Trio", " Quartet", " Soundsystem", " Collective"]]),
    (2, [THINGS, ["/"], THINGS]),
    (1.2, [["Los ", "Trío ", "Orquesta ", "Señor "], SPANISH]),
    (1.0, [["Les ", "Mademoiselle ", "Théâtre "], FRENCH]),
    (0.8, [NORTHERN, [" "], ["", "Björnsson", "Åkerfeldt", "Sørensen"]]),
    (0.6, [["Die ", "Königliche "], GERMAN]),
    (0.4, [JAPANESE, ["ガールズ", "バンド", "楽団"]]),
    (0.4, [SLAVIC, [" и ", " i "], SLAVIC]),
]

_VERSIONS = [
    " (Album Version)",
    " (Radio Edit)",
    " (Acoustic)",
    " (Instrumental)",
    " [Demo]",
    " (2005 Digital Remaster)",
    " (Explicit)",
    " (Extended Mix)",
]

TITLE_FORMS: Forms = [
    (22, [COLOURS, [" "], THINGS]),
    (14, [DOINGS, [" Me ", " You ", " It ", " Them "], WHENS]),
    (10, [["The "], THINGS, [" of "], THINGS]),
    (9, [THINGS, [" and "], THINGS]),
    (8, [THINGS, [" in the ", " on the ", " over the ", " under the "], THINGS]),
    (7, [COLOURS, [" "], THINGS, _VERSIONS]),
    (6, [["I Won't ", "Don't ", "I'd Rather ", "You Can't ", "We'll "], DOINGS, [" "], WHENS]),
    (5, [DOINGS]),
    (4, [THINGS]),
    (3, [[*WOMEN, *MEN], ["", "'s Song", ", Come Home", " Knows", "'s "], ["", " Blues", " Waltz"]]),
    (2, [['Theme From "'], COLOURS, [" "], THINGS, ['"']]),
    (2, [THINGS, [" / "], THINGS]),
    (1, [["No. ", "Opus ", "Track "], [str(n) for n in range(1, 80)]]),
    (1.5, [SPANISH, [" de "], SPANISH]),
    (1.5, [["L'"], FRENCH, [" et "], FRENCH]),
    (1.0, [NORTHERN, [" "], NORTHERN]),
    (1.0, [["Für ", "Über ", "Wo ist "], GERMAN, ["", "?"]]),
    (0.6, [JAPANESE, ["の"], JAPANESE]),
    (0.4, [SLAVIC, [" "], SLAVIC]),
]
