"""Lists texts without a match among the 101 classes of photos: real things of other kinds, and nonsense.

The texts that the measure was chosen with are kept apart from those that the figure is computed with.
"""

TUNING_CONCEPTS = """
zebra, penguin, moose, camel, squirrel, skunk, wolf, hamster, sheep, cow, buffalo, eagle, parrot, duckling, turkey,
woodpecker, frog, iguana, jellyfish, whale, eel, slug, honeybee, mosquito, caterpillar, grasshopper, koala,
chimpanzee, armadillo, bicycle, steam train, tractor, excavator, rocket, parachute, snowboard, surfboard,
skateboard, screwdriver, axe, rake, ladder, spoon, bread knife, kettle, oven, dishwasher, ironing board, toilet,
comb, razor, sofa, wardrobe, carpet, television, printer, microscope, thermometer, stethoscope, harp, flute,
xylophone, banjo, tennis racket, basketball hoop, bowling pins, chess pieces, playing cards, doll, snowman, top hat,
mitten, necktie, backpack, handbag, diamond ring, sunglasses, newspaper, pencil, windmill, castle, igloo, volcano,
glacier, lightning, pineapple, watermelon, broccoli, corn on the cob, spaghetti, sandwich, ice cream, boiled egg,
tulip, fern, hexagon, checkerboard, snowy mountains, polka dots, fireworks
"""

TUNING_NONSENSE = """
blorfen; trazzlewick; fleebish marn; spirvle; perlunk; drimble drumble; yibberwock; twempish; pirrix; oxtrane;
hurbleplatz; shoomf; velquist; jorpling; wemmerly; asdfghjkl; zxcvvbnm; lkjhgfdsa; fghfghfgh; mnbvcxz; 8347 2291
0057; xX_77_Xx; 3.14159265; ???; lorem ipsum dolor; colourless ideas sleep furiously; the day after a thursday;
quarterly tax return; terms of service; regression to the mean; constitutional amendment; a feeling of regret; the
meaning of life; postponed until further notice; the second law of thermodynamics; intellectual property; neither
here nor there; a very short silence; insurance premium; the future perfect tense; the sound of jazz; a bad idea;
supply and demand; gross domestic product; the colour of nine; to whom it may concern; null pointer exception;
compound interest; infinity; an unpaid invoice
"""

FIGURE_CONCEPTS = """
giraffe, walrus, hippopotamus, fruit bat, raccoon, fox, rabbit, goat, pig, donkey, owl, peacock, swan, goose,
hummingbird, rattlesnake, salamander, chameleon, shark, walnut, snail, earthworm, wasp, ladybird, spider, sloth,
gorilla, lemur, anteater, double-decker bus, tram, bulldozer, submarine, hot-air balloon, sledge, skis, canoe,
hammer, handsaw, shovel, wheelbarrow, paintbrush, fork, frying pan, toaster, refrigerator, vacuum cleaner, bathtub,
toothbrush, hairdryer, mirror, bunk bed, bookshelf, curtain, typewriter, calculator, telescope, syringe, violin,
trumpet, snare drum, bagpipes, tambourine, golf club, boxing gloves, dartboard, dice, jigsaw puzzle, kite,
scarecrow, leather boot, socks, trousers, suitcase, pearl necklace, crown, envelope, dictionary, lighthouse,
suspension bridge, skyscraper, tent, waterfall, rainbow, banana, grapes, carrot, mushroom, hamburger, sushi,
birthday cake, loaf of bread, cactus, dandelion, triangle, balloons, crescent moon, vertical stripes, zigzag
pattern, fire hydrant
"""

FIGURE_NONSENSE = """
wuggle snip; quindrop; gronkulent; zandoo bim; vashti mokk; klonter; snorfal; gluvenor; mubblethorn; zeffin zoff;
crindle; narpacious; blunderwisp; tifflebrock; plonsk; qwpoeiru; jjjjkkkk; poiuytrewq; xcxcxcxc; wqewqewqe; #$%&*!!;
0x7fffa3c1; aaaaaaaaaaaa; 42-42-42; e5 f6 g7 h8; the square root of minus one; unless otherwise stated; moral
philosophy; because of reasons; inflation rate; subordinate clause; yesterday's opinion; rounding error; grammar;
hypothetical; somewhat less than before; seventeen percent; justice; quantum entanglement; nothing at all; smell of
rain; freedom of speech; an inside joke; loneliness; yes or no; last year's budget; a rumour; the letter q;
democracy; stack overflow
"""


def listed(words: str) -> list[str]:
    return [word.strip() for word in words.replace("\n", " ").split(";" if ";" in words else ",")]


TUNING = listed(TUNING_CONCEPTS), listed(TUNING_NONSENSE)
FIGURE = listed(FIGURE_CONCEPTS), listed(FIGURE_NONSENSE)
