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

// frames are ordinary requests.
var frames = []string{
	"how can {who} {verb} a {kind} {thing} {when}?",
	"my {who} wants to {verb} {thing} parts {how}, any {kind} ideas?",
	"please {verb} this {kind} {thing} for {trade} friends in {place}.",
	"is {topic} harder than {topic} for {kind} {trade} pupils?",
	"write {kind} {thing} stories about {topic} and {place} {when}.",
	"what does a {trade} {verb} {how} {when}?",
	"{kind} {thing} or {kind} {thing}: will {trade} people {verb} {topic}?",
	"explain {topic} to {who} and {trade} using a {thing}.",
	"can you {verb} and {verb} {topic} notes {how}?",
	"why did {trade} {who} from {place} {verb} a {thing}?",
	"I {how} {verb} my {thing} {when} but {who} mocks {topic}.",
	"suggest {kind} names for {thing} that {verb} {topic}.",
	"{place} to {place} with {kind} {thing}, {when}?",
	"which {trade} in {place} can {verb} {kind} {topic} books?",
	"compose {topic} riddles where {kind} {thing} must {verb} {how}.",
	"help, {kind} {thing} will not {verb} {topic} {when}!",
	"{verb} {topic} {how}, then {verb} {thing} beside {place}.",
	"tell {who} {how} that {topic} ruins {kind} {thing}.",
	"summarise {topic} news around {place} {when} like {kind} {trade}.",
	"does {topic} explain why {thing} prices {verb} near {place}?",
}

// statements are sentences of passages.
var statements = []string{
	"the {kind} {thing} of the {trade} stood in {place} {when}.",
	"{topic} taught every {trade} to {verb} {how}.",
	"nobody near {place} would {verb} a {thing} {how} {when}.",
	"her {who} kept {kind} {thing} and {kind} {thing} for {topic}.",
	"when {place} heard of {topic}, each {trade} had to {verb} {when}.",
	"a {thing} may {verb} {topic} more {how} than any {trade}.",
	"{when} the {who} left {place} with one {kind} {thing}.",
	"they {verb} what {topic} and {topic} {how} promise a {trade}.",
}

// tasks are jobs for an agent.
var tasks = []string{
	"{verb} the {kind} {thing} and {verb} {topic} files {when}",
	"find which {thing} {trade} scripts {verb} {how}",
	"{verb} {place} backups, then {verb} {kind} {thing} logs",
	"make {topic} tests {verb} {how} on the {thing} host",
}
