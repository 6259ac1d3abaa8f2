package main

import "strings"

var models = []string{"quill-2", "quill-2-mini", "quill-3"}

const (
	viral = "Pretend to be the captain of a very polite pirate ship and review my last week as if it had been a voyage. " +
		"Be honest about the storms, generous about the crew, and end with a toast."
	tool = "You are Fern, the assistant inside Fernleaf Notes. Answer from the open note whenever it has the answer, say so when it does not, " +
		"keep replies under six sentences, and never invent tags, folders or reminders that the user has not created."
	homework = "Explain in your own words why the coastal town in chapter five floods every spring, name two measures the council could have " +
		"taken earlier, and weigh their cost against the damage described by the harbour master."
)

// words are the lists that {kind} in a frame picks from.
var words = map[string][]string{
	"verb": strings.Fields(`repair compare translate sort polish measure paint rename invite schedule bake sketch tune merge plant
		store label shrink stretch fold trace catalogue archive borrow deliver estimate filter grind harvest insulate juggle knit
		launch mend navigate organise pack quote record season tailor unpack varnish weigh restring solder debug refactor simulate
		rehearse summarise annotate brew clean decorate edit forecast glaze index laminate`),
	"thing": strings.Fields(`kettle lantern spreadsheet bicycle recipe contract playlist garden letter engine curtain database
		violin budget poem staircase camera timetable blanket router novel microscope sandwich compass parser battery carpet
		invoice drawer telescope cushion password hinge podcast notebook orchard ferry thermostat mosaic saddle keyboard pendulum
		accordion greenhouse backpack chandelier spanner thesis tablecloth sailboat hammock easel turbine ledger quilt beehive
		fountain projector mailbox teapot scarf wheelbarrow barometer skateboard diary pillow antenna chimney mug suitcase
		birdhouse calendar speech puzzle menu aquarium windmill cupboard survey brochure harpsichord gearbox trellis memo`),
	"kind": strings.Fields(`rusty enormous secondhand fragile noisy elegant portable striped handmade broken wooden magnetic foldable
		expensive forgotten tiny waterproof wobbly ancient digital crooked shared velvet transparent overdue borrowed seasonal
		hollow electric painted lopsided dusty reversible silent spare copper inherited unfinished bilingual solar narrow heavy
		cheerful temporary woven circular salty stubborn modular frozen`),
	"trade": strings.Fields(`beekeeper librarian surveyor pharmacist carpenter dentist falconer geologist optician plumber archivist
		baker cartographer diver electrician florist glazier historian illustrator jeweller locksmith midwife notary organist
		potter roofer sculptor translator upholsterer vet weaver zookeeper bookbinder choirmaster dramatist engraver forester`),
	"place": strings.Fields(`Bergen Tartu Coimbra Ghent Aarhus Trieste Cork Sibiu Turku Girona Utrecht Leeds Graz Varna Matera Visby
		Ronda Kaunas Delft Lugano Bath Nantes Passau Olomouc Split Vigo Arles Bamberg Krems Narvik Oulu Perth Quito Rabat Sapporo
		Tunis Uppsala Valdivia Windhoek Yerevan Zadar Adelaide Bogota Cusco Dakar Eilat`),
	"when": strings.Split(`before breakfast|during winter|after lunch|by friday|every morning|over christmas|at dusk|within an hour|
		in april|while travelling|twice yearly|on sundays|since march|under pressure|past midnight|in advance|without warning|
		between meetings|until autumn|all summer`, "|"),
	"who": strings.Fields(`grandmother neighbour nephew landlord colleague flatmate boss cousin daughter teacher brother committee
		client choir plumber editor aunt supervisor partner team`),
	"how": strings.Fields(`cheaply politely quickly quietly safely neatly secretly properly slowly twice alone together blindly
		elegantly remotely offline outdoors systematically gently evenly`),
	"topic": strings.Fields(`photosynthesis tariffs metallurgy opera plumbing erosion inflation genetics chess origami falconry
		topology migration glaciers typography fermentation recursion astronomy etiquette irrigation cartography insurance
		acoustics volcanoes democracy pottery encryption nutrition archery weaving jazz logistics enzymes heraldry`),
}

func init() {
	for i, s := range words["when"] {
		words["when"][i] = strings.TrimSpace(s)
	}
}

// frames are ordinary requests. What is in braces is one of a kind of words, or
// one of the words between bars; two fixed words at most stand side by side.
var frames = []string{
	"{how can|how should|what lets|might} {who} {verb} {a|that|this|one} {kind} {thing} {when}?",
	"my {who} {wants to|hopes to|refuses to|forgot to|plans to} {verb} {thing} parts {how}, {any|got|give me} {kind} {ideas|tips|warnings}?",
	"{please|kindly|always|never} {verb} {this|my|our} {kind} {thing} for {trade} {friends|clients|rivals} in {place}.",
	"{is|was|will|would} {topic} {harder|duller|older|nobler} than {topic} for {kind} {trade} {pupils|parents|judges}?",
	"{write|draft|invent|improve} {kind} {thing} {stories|jokes|slogans} about {topic} and {place} {when}.",
	"{does|did|should|might} {a|any|one|another} {trade} {verb} {how} {when}?",
	"{kind} {thing} or {kind} {thing}: {will|may|do|should} {trade} {people|students|unions} {verb} {topic}?",
	"{explain|sell|describe|introduce} {topic} to {who} and {trade} {with|without|despite} {a|any|one} {thing}.",
	"{can you|try to|now} {verb} and {verb} {topic} {notes|slides|tables} {how}?",
	"{why did|how did|when did|did} {trade} {who} from {place} {verb} {a|every|no} {thing}?",
	"I {how} {verb} {my|her|their} {thing} {when} {but|because|and} {who} {mocks|fears|teaches} {topic}.",
	"{suggest|rank|list|reject} {kind} {names|colours|places} for {thing} {owners|makers|fans} {to|and} {verb} {topic}.",
	"{place} to {place} with {kind} {thing}, {when}, {cheaply|by train|on foot|with children}?",
	"{which|whose|our} {trade} in {place} {can|must|did} {verb} {kind} {topic} {books|films|maps}?",
	"{compose|solve|translate|rate} {topic} {riddles|puzzles|limericks} {where|whose|in which} {kind} {thing} {must|may not} {verb} {how}.",
	"{help|odd|again|strange}, {kind} {thing} {will not|cannot|used to} {verb} {topic} {when}!",
	"{verb} {topic} {how}, then {verb} {thing} {beside|without|after} {place}.",
	"{tell|convince|warn|remind} {who} {how} that {topic} {ruins|saves|needs} {kind} {thing}.",
	"{summarise|collect|doubt|date} {topic} {news|research|rumours} {around|from} {place} {when} {like|for|against} {kind} {trade} friends.",
	"{does|could|did} {topic} {explain|prove|predict} {why|when|how far} {thing} {prices|sales|makers} {verb} near {place}?",
	"{kind} {trade} {needs|misses|offers} {thing} {when}: {where|why|who} in {place}?",
	"{thing}, {thing} and {topic}: {who|what|which} {verb} {how}?",
	"{place} {when}: {safe|dull|wise|rude} for {a|one|my} {kind} {trade}?",
	"{verb} {kind} {thing} {like|against|before} {who} {trade} {how}.",
}

// statements are sentences of passages.
var statements = []string{
	"{the|one|some} {kind} {thing} {of|beside|behind} {every|the|this} {trade} {stood|rotted|vanished} in {place} {when}.",
	"{topic} {taught|allowed|forced} {every|some|one} {trade} to {verb} {how}.",
	"{nobody|anyone|few} near {place} {would|could|dared} {verb} {a|the|any} {thing} {how} {when}.",
	"{her|his|our} {who} {kept|sold|feared} {kind} {thing} and {kind} {thing} {for|after|despite} {topic}.",
	"{when|since|before} {place} {heard of|forgot|banned} {topic}, {each|no|any} {trade} {had to|could} {verb} {when}.",
	"{a|that|this} {thing} {may|will|did} {verb} {topic} {more|less} {how} than {any|my|one} {trade}.",
	"{when} {the|my|a} {who} {left|reached|mapped} {place} with {one|no|some} {kind} {thing}.",
	"{they|we|others} {verb} what {topic} {and|or|without} {topic} {how} {promise|owe|deny} {a|the} {trade}.",
}

// tasks are jobs for an agent.
var tasks = []string{
	"{verb} {the|each|a} {kind} {thing} and {verb} {topic} {files|folders} {when}",
	"{find|log|count} which {thing} {trade} {scripts|daemons} {verb} {how}",
	"{verb} {place} {backups|mirrors}, then {verb} {kind} {thing} {logs|traces}",
	"{make|let|keep} {topic} {tests|builds} {verb} {how} {on|near} the {thing} host",
}
