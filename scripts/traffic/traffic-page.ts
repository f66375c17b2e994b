import { bytesText, numberText } from '@protego/plots';
import { code, table } from '../reference/markdown';
import { comparisons, timesPublished } from './comparison';
import { RUN, STAY_DAYS, type TrafficFigures } from './figures';
import { NOT_COMPARED, SOURCES, type Source } from './published';

/** The page, whose pictures lie in `plots/` beside it. */
export function trafficPage(figures: TrafficFigures): string {
  const sections = [
    introduction(figures),
    houses(figures),
    devices(figures),
    people(figures),
    patients(figures),
    comparison(figures),
    sources(),
    notFound(),
  ];
  return `<!-- Made by \`node scripts/traffic-page.mjs\`; change scripts/traffic, not this page. -->\n\n${sections.join('\n')}`;
}

function introduction({ eventsPerDay, stays }: TrafficFigures): string {
  return `# Traffic of the simulated hospital

What the simulation makes in ordinary life, without attacks and harmless twins, beside published figures where there are any: traffic by
class of device, sign-ins by hour, record reads by role, beds and staff. Scenario ${code(RUN.scenario)}, seed ${RUN.seed}, ${RUN.days} days
from Monday, ${RUN.startTime.slice(0, 10)}, otherwise as it comes; stays over ${STAY_DAYS} days. ${numberText(stays.beds)} beds, ${numberText(eventsPerDay)} events a day. The
clock of the simulation is taken for the hospital's own.

Diamonds are published figures. None of them comes from a hospital that the simulation was fitted to: they show whether the order of size and the
shape of a day are those of real houses, not more. [How the hospital is modelled](simulated-hospital.md) says what was left out.
`;
}

function houses({ houses: sizes }: TrafficFigures): string {
  const rows = sizes.map(({ scenario, ...counts }) => [code(scenario), ...Object.values(counts).map(numberText)]);
  const head = ['scenario', 'beds', 'people', 'devices', 'own phones', 'wearables', 'partners', 'people in town'];
  return `## The houses

Scenarios as they come, seed ${RUN.seed}; own phones and wearables are among the devices.

${table(head, rows)}`;
}

function devices({ classes }: TrafficFigures): string {
  const rows = classes.map((entry) => [
    code(entry.type),
    numberText(entry.devices),
    numberText(entry.eventsPerDay),
    numberText(entry.telemetryPerDay),
    numberText(entry.flowsPerDay),
    bytesText(entry.bytesPerDay),
  ]);
  return `## By class of device

${image('events-per-device', 'Events a device and day by class of device, all and telemetry alone')}

${image('bytes-per-device', 'Bytes a device and day by class of device')}

${image('bytes-per-connection', 'Median bytes of a connection by class of device')}

${table(['class', 'devices', 'events a day', 'telemetry a day', 'connections a day', 'volume a day'], rows)}
Figures of a class are per device. No publication was found that counts connections or bytes by class of device in a hospital; the only mark is a
medical sensor gateway of a laboratory. The simulation keeps the number of events low on purpose (a connection stands for what a network
monitor sums up over a while, devices report some times a day to twice an hour), so it must not be used to size a network.
`;
}

function people(figures: TrafficFigures): string {
  const rows = figures.roles.map(({ role, people: count, duties, reads, patients: seen }) => [
    code(role),
    numberText(count),
    numberText(duties),
    `${numberText(reads[0])} (${numberText(reads[1])}–${numberText(reads[2])})`,
    `${numberText(seen[0])} (${numberText(seen[1])}–${numberText(seen[2])})`,
  ]);
  return `## Sign-ins

${image('sign-ins-by-hour', 'Sign-ins of staff an hour on weekdays and at weekends')}

${numberText(figures.signInsPerWeek)} sign-ins to the record a person and week; ${numberText(figures.failedPart * 100)} % of all tries are refused. No study with a curve
of sign-ins by hour or with the part of refused ones was found.

## Record reads

${image('reads-by-hour', 'Record reads an inpatient and hour on weekdays and at weekends')}

${image('weekday-weekend', 'Record reads on weekdays against weekends by part of the day, with published ratios')}

${image('reads-per-duty', 'Record reads a person and duty by role')}

${image('patients-per-duty', 'Different patients a person and duty by role, with published figures for physicians and nurses')}

${table(['role', 'people', 'duties', 'reads a duty: median (10–90 %)', 'patients a duty: mean (10–90 %)'], rows)}
A duty is a run of reads of one person without a break of six hours. ${numberText(figures.outsideCarePart * 100)} % of the reads have no care relationship;
${numberText(figures.breakGlassPerThousand)} uses of emergency access come with a thousand reads.

${image('related-readers', 'Reads of a million by how reader and patient are related, with published figures')}

Readers and patients are related by what the directory says of homes and staff; reads of colleagues and neighbours happen in ordinary work, because
the people of a small town also lie in its hospital. Relatives hardly do: what an alarm about a family member's record costs in a house where
staff often care for their own is not measured here. Each patient on the watch list lies in a bed for a part of the simulated time, and staff are one in a hundred of the
town; so both are read about far more often than in the large network of the published figures, most often by those who care for them.
`;
}

function patients({ stays }: TrafficFigures): string {
  return `## Beds and staff

${image('admissions-by-hour', 'Part of the admissions before each hour, with published quartiles')}

${image('discharges-by-hour', 'Part of the weekday discharges before each hour, with published figures')}

${image('stay-length', 'Mean stay with published figures')}

${image('patients-per-nurse', 'Inpatients to a nurse on duty by hour, with the mean of nine European countries')}

${numberText(stays.occupancy * 100)} % of the beds are occupied, ${numberText(stays.admissionsPerDay)} patients are admitted a day and stay ${numberText(stays.stayDays)} days. ${numberText((stays.longerThanDays[7] ?? 0) * 100)} % stay
for more than a week.
`;
}

function comparison(figures: TrafficFigures): string {
  const rows = comparisons(figures).map((entry) => [
    entry.figure,
    `${numberText(entry.simulated)} ${entry.unit}`.trim(),
    numberText(entry.published),
    timesPublished(entry),
    SOURCES[entry.source].name,
  ]);
  return `## Side by side

${table(['figure', 'simulated', 'published', 'simulated / published', 'source'], rows)}`;
}

function sources(): string {
  return `## Sources

${table(['source', 'where', 'what is used, and how far it fits'], Object.values(SOURCES).map(sourceRow))}`;
}

function notFound(): string {
  return `## Found, but not comparable

${table(['source', 'where', 'why not'], NOT_COMPARED.map(sourceRow))}
## Not found

- connections, bytes or events a day by class of medical device in a hospital
- a curve of sign-ins by hour of the day, with numbers
- record reads a shift of nurses, pharmacists, coders and the other roles
- how often emergency access is used for each record read, and how often sign-ins fail
`;
}

function sourceRow({ name, title, address, use }: Source): string[] {
  return [name, `${title}. ${address}`, use];
}

function image(name: string, text: string): string {
  return `![${text}](plots/${name}.svg)`;
}
