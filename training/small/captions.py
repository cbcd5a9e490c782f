"""Lists the texts that the small CLIP learns: names of the 101 classes, groups of them, and phrasings."""

from random import Random

# Folder of Caltech-101 -> its names. The first is the one the measured prompts use.
CLASSES: dict[str, tuple[str, ...]] = {
    # "Faces" shows people in rooms and streets, "Faces_easy" the same faces cut out closely.
    "Faces": ("person", "person in a room", "man", "woman", "portrait of a person", "human", "somebody"),
    "Faces_easy": ("face", "person's face", "close-up of a face", "human face", "smiling face"),
    "Leopards": ("leopard", "leopard in the grass", "spotted big cat"),
    "Motorbikes": ("motorbike", "motorcycle", "motor bike", "parked motorcycle"),
    "accordion": ("accordion", "squeezebox", "accordion instrument"),
    "airplanes": ("airplane", "plane", "aeroplane", "aircraft", "jet plane", "airliner"),
    "anchor": ("anchor", "ship's anchor", "iron anchor"),
    "ant": ("ant", "ant insect", "tiny ant"),
    "barrel": ("barrel", "wooden barrel", "cask", "keg"),
    "bass": ("bass fish", "bass", "fish", "caught fish"),
    "beaver": ("beaver", "beaver by the water"),
    "binocular": ("binoculars", "pair of binoculars", "binocular", "field glasses"),
    "bonsai": ("bonsai", "bonsai tree", "small tree in a pot", "potted tree"),
    "brain": ("brain", "human brain", "brain scan", "model of a brain"),
    "brontosaurus": ("brontosaurus", "long-necked dinosaur", "brontosaurus dinosaur", "sauropod"),
    "buddha": ("buddha", "buddha statue", "statue of buddha", "sitting buddha"),
    "butterfly": ("butterfly", "butterfly on a flower", "colourful butterfly", "butterfly wings"),
    "camera": ("camera", "photo camera", "film camera", "photographic camera"),
    "cannon": ("cannon", "artillery gun", "old cannon", "cannon on wheels"),
    "car_side": ("car", "car from the side", "side view of a car", "automobile", "parked car"),
    "ceiling_fan": ("ceiling fan", "fan on the ceiling", "electric fan"),
    "cellphone": ("cellphone", "mobile phone", "cell phone", "phone", "telephone"),
    "chair": ("chair", "modern chair", "seat", "armchair"),
    "chandelier": ("chandelier", "hanging lights", "crystal chandelier"),
    "cougar_body": ("cougar", "mountain lion", "puma", "cougar walking"),
    "cougar_face": ("cougar face", "face of a cougar", "puma's head", "mountain lion face"),
    "crab": ("crab", "crab on the beach", "crab with claws"),
    "crayfish": ("crayfish", "crawfish", "freshwater crayfish"),
    "crocodile": ("crocodile", "alligator", "crocodile in the water"),
    "crocodile_head": ("crocodile head", "head of a crocodile", "crocodile's open mouth", "alligator head"),
    "cup": ("cup", "mug", "coffee cup", "tea cup"),
    "dalmatian": ("dalmatian", "dalmatian dog", "spotted dog", "dog"),
    "dollar_bill": ("dollar bill", "banknote", "money", "dollar", "paper money"),
    "dolphin": ("dolphin", "jumping dolphin", "dolphin in the sea"),
    "dragonfly": ("dragonfly", "dragonfly on a leaf"),
    "electric_guitar": ("electric guitar", "guitar", "rock guitar"),
    "elephant": ("elephant", "elephant with a trunk", "african elephant", "indian elephant"),
    "emu": ("emu", "emu bird", "large flightless bird"),
    "euphonium": ("euphonium", "tuba", "brass horn", "brass instrument"),
    "ewer": ("ewer", "jug", "pitcher", "vase with a handle"),
    "ferry": ("ferry", "ferry boat", "passenger ship", "ship"),
    "flamingo": ("flamingo", "pink flamingo", "flamingo standing in water"),
    "flamingo_head": ("flamingo head", "head of a flamingo", "flamingo's beak"),
    "garfield": ("garfield", "garfield the cat", "orange cartoon cat"),
    "gerenuk": ("gerenuk", "antelope", "gazelle"),
    "gramophone": ("gramophone", "phonograph", "old record player"),
    "grand_piano": ("grand piano", "piano"),
    "hawksbill": ("hawksbill turtle", "sea turtle", "turtle", "hawksbill"),
    "headphone": ("headphones", "pair of headphones", "headphone", "headset"),
    "hedgehog": ("hedgehog", "spiny hedgehog"),
    "helicopter": ("helicopter", "flying helicopter", "chopper"),
    "ibis": ("ibis", "ibis bird", "bird with a long curved beak", "wading bird"),
    "inline_skate": ("inline skate", "roller skate", "rollerblade", "inline skates"),
    "joshua_tree": ("joshua tree", "tree in the desert", "desert tree", "yucca"),
    "kangaroo": ("kangaroo", "wallaby", "hopping kangaroo"),
    "ketch": ("ketch", "ketch sailing boat", "sailboat", "sailing yacht"),
    "lamp": ("lamp", "table lamp", "floor lamp", "lampshade"),
    "laptop": ("laptop", "laptop computer", "notebook computer", "computer"),
    "llama": ("llama", "alpaca", "lama"),
    "lobster": ("lobster", "red lobster", "lobster with claws"),
    "lotus": ("lotus", "lotus flower", "pink lotus"),
    "mandolin": ("mandolin", "mandolin instrument"),
    "mayfly": ("mayfly", "mayfly insect"),
    "menorah": ("menorah", "menorah with candles", "candelabrum", "candle holder"),
    "metronome": ("metronome", "wooden metronome"),
    "minaret": ("minaret", "minaret of a mosque", "mosque tower", "tower"),
    "nautilus": ("nautilus", "nautilus shell", "spiral shell", "seashell"),
    "octopus": ("octopus", "octopus with tentacles", "squid"),
    "okapi": ("okapi", "okapi with striped legs"),
    "pagoda": ("pagoda", "japanese temple", "chinese pagoda", "asian temple"),
    "panda": ("panda", "panda bear", "giant panda"),
    "pigeon": ("pigeon", "dove", "grey pigeon"),
    "pizza": ("pizza", "slice of pizza", "pizza with cheese"),
    "platypus": ("platypus", "duck-billed platypus"),
    "pyramid": ("pyramid", "egyptian pyramid", "pyramids of egypt", "stone pyramid"),
    "revolver": ("revolver", "handgun", "pistol", "gun"),
    "rhino": ("rhino", "rhinoceros", "rhino with a horn"),
    "rooster": ("rooster", "cock", "chicken", "cockerel"),
    "saxophone": ("saxophone", "sax", "golden saxophone"),
    "schooner": ("schooner", "schooner under sail", "tall ship", "sailing ship"),
    "scissors": ("scissors", "pair of scissors"),
    "scorpion": ("scorpion", "black scorpion"),
    "sea_horse": ("sea horse", "seahorse"),
    "snoopy": ("snoopy", "snoopy the dog", "cartoon dog", "peanuts cartoon"),
    "soccer_ball": ("soccer ball", "football", "ball"),
    "stapler": ("stapler", "office stapler"),
    "starfish": ("starfish", "sea star"),
    "stegosaurus": ("stegosaurus", "stegosaurus dinosaur", "dinosaur with plates on its back"),
    "stop_sign": ("stop sign", "traffic sign", "road sign", "red stop sign"),
    "strawberry": ("strawberry", "strawberries", "ripe strawberry", "red berry"),
    "sunflower": ("sunflower", "sunflowers", "yellow sunflower"),
    "tick": ("tick", "tick insect", "blood-sucking tick"),
    "trilobite": ("trilobite", "trilobite fossil", "fossil"),
    "umbrella": ("umbrella", "parasol", "open umbrella"),
    "watch": ("watch", "wristwatch", "wrist watch", "clock", "pocket watch"),
    "water_lilly": ("water lily", "water lily flower", "white water lily", "lily pad"),
    "wheelchair": ("wheelchair", "wheel chair", "chair with wheels"),
    "wild_cat": ("wild cat", "wildcat", "cat", "ocelot"),
    "windsor_chair": ("windsor chair", "wooden chair", "wooden windsor chair"),
    "wrench": ("wrench", "spanner", "tool"),
    "yin_yang": ("yin yang", "yin and yang", "yin yang symbol", "black and white symbol"),
}

# Words for several classes at once: every member is a right answer.
GROUPS: dict[str, tuple[str, ...]] = {
    "animal": (
        "Leopards", "ant", "bass", "beaver", "butterfly", "cougar_body", "cougar_face", "crab", "crayfish",
        "crocodile", "crocodile_head", "dalmatian", "dolphin", "dragonfly", "elephant", "emu", "flamingo",
        "flamingo_head", "gerenuk", "hawksbill", "hedgehog", "ibis", "kangaroo", "llama", "lobster", "mayfly",
        "octopus", "okapi", "panda", "pigeon", "platypus", "rhino", "rooster", "scorpion", "sea_horse",
        "starfish", "tick", "wild_cat",
    ),
    "people": ("Faces", "Faces_easy"),
    "bird": ("emu", "flamingo", "flamingo_head", "ibis", "pigeon", "rooster"),
    "insect": ("ant", "butterfly", "dragonfly", "mayfly", "tick"),
    "bug": ("ant", "dragonfly", "mayfly", "scorpion", "tick"),
    "cat": ("Leopards", "cougar_body", "cougar_face", "garfield", "wild_cat"),
    "dinosaur": ("brontosaurus", "stegosaurus"),
    "sea animal": ("crab", "crayfish", "dolphin", "hawksbill", "lobster", "octopus", "sea_horse", "starfish"),
    "reptile": ("crocodile", "crocodile_head", "hawksbill"),
    "musical instrument": (
        "accordion", "electric_guitar", "euphonium", "grand_piano", "mandolin", "saxophone",
    ),
    "boat": ("ferry", "ketch", "schooner"),
    "sailing boat": ("ketch", "schooner"),
    "vehicle": ("Motorbikes", "airplanes", "car_side", "ferry", "helicopter"),
    "flying machine": ("airplanes", "helicopter"),
    "flower": ("lotus", "sunflower", "water_lilly"),
    "plant": ("bonsai", "joshua_tree", "lotus", "sunflower", "water_lilly"),
    "tree": ("bonsai", "joshua_tree"),
    "building": ("minaret", "pagoda", "pyramid"),
    "food": ("pizza", "strawberry"),
    "furniture": ("chair", "windsor_chair"),
    "light": ("chandelier", "lamp", "menorah"),
    "weapon": ("cannon", "revolver"),
    "cartoon": ("garfield", "snoopy"),
    "electronic device": ("camera", "cellphone", "headphone", "laptop"),
    "machine": ("Motorbikes", "camera", "ceiling_fan", "gramophone", "helicopter", "laptop", "metronome"),
    "statue": ("buddha",),
}  # fmt: skip

PROMPT = "a photo of {a}"  # the measured prompt

TEMPLATES = (
    "{a}", "{a}", "{bare}", "{bare}", "the {bare}", "a photo of {a}", "a photo of {a}", "a picture of {a}",
    "photo of {a}", "picture of {a}", "an image of {a}", "image of {a}", "a photo of the {bare}",
    "a close-up photo of {a}", "a drawing of {a}", "this is {a}", "here is {a}",
    "there is {a} in the picture",
    "{a} in the photo", "my {bare}", "pictures of {a}", "photos with {a}", "show me {a}", "find {a}",
    "looking for {a}", "something like {a}", "a blurry photo of {a}", "{a} in the background",
    "{a} on a white background", "{a}, photo", "{a} outside", "{a} seen from the front",
    "one {bare}", "some {bare}",
)  # fmt: skip

# Words that say nothing about which class it is: the text tower learns to look past them.
ADJECTIVES = (
    "old", "new", "small", "big", "large", "little", "nice", "beautiful", "pretty", "cute", "funny", "ugly",
    "bright", "dark", "clean", "dirty", "young", "tall", "short", "long", "huge", "tiny", "single", "lonely",
    "famous", "antique", "modern", "vintage", "classic", "good", "great", "wonderful", "real", "fake",
    "cheap", "expensive", "heavy", "broken", "strange",
    "typical", "wild", "lovely", "quiet", "shiny", "simple",
)  # fmt: skip

PLURAL = ("binoculars", "headphones", "scissors", "sunflowers", "strawberries", "money", "inline skates")
NAMED = (
    "garfield",
    "snoopy",
    "somebody",
    "peanuts cartoon",
    "people",
    "food",
    "furniture",
    "pyramids of egypt",
)


def with_article(name: str) -> str:
    """Returns `an airplane` for `airplane`; plural and proper names stay as they are."""
    if name in PLURAL or name in NAMED or name.startswith(("garfield", "snoopy", "hanging lights")):
        return name
    return f"{'an' if name[0] in 'aeiou' and not name.startswith('eu') else 'a'} {name}"


def fixed_prompt(folder: str) -> str:
    """Returns the prompt that a class is measured with."""
    return PROMPT.format(a=with_article(CLASSES[folder][0]))


def class_caption(folder: str, rng: Random) -> str:
    """Returns one of the many ways to ask for this class."""
    names = CLASSES[folder]
    return _phrase(names[0] if rng.random() < 0.5 else rng.choice(names), rng)


def group_caption(group: str, rng: Random) -> str:
    return _phrase(group, rng)


def _phrase(name: str, rng: Random) -> str:
    if rng.random() < 0.2:
        name = f"{rng.choice(ADJECTIVES)} {name}"
    return rng.choice(TEMPLATES).format(a=with_article(name), bare=name)
