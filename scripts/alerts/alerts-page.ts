import { formatRfc3339 } from '@protego/contracts';
import { code, table } from '../reference/markdown';
import { mattersOf } from './matters';
import { plantedOn, type Planted } from './truth';
import { RUN, type WatchedAlert, type WatchedDay } from './watched-day';

/** The alerts of a day as they are read aloud, and at the end what was true. */
export function alertsPage(day: WatchedDay): string {
  const planted = plantedOn(day);
  const parts = [introduction(day), overview(day), '## The alerts\n', ...told(day.alerts), truth(day, planted)];
  return `<!-- Made by \`node scripts/alerts-day.mjs\`; change the rules or scripts/alerts, not this page. -->\n\n${parts.join('\n')}`;
}

function introduction({ startMs, endMs, alerts }: WatchedDay): string {
  const severe = alerts.filter(({ found }) => ['critical', 'high'].includes(found.detection.severity)).length;
  return `# A day of alerts

The alerts of one simulated day, in the words in which they reach the ward: to be read aloud at the morning meeting. ${dateOf(startMs)}, ${clockOf(startMs)}
to ${dateOf(endMs)}, ${clockOf(endMs)}; scenario ${code(RUN.scenario)}, seed ${RUN.seed}, day ${RUN.days}, with attacks, at the default settings but for
${Object.entries(RUN.settings)
  .map(([key, value]) => code(`${key}=${value}`))
  .join(', ')}.
The ${RUN.days - 1} days before were watched as well, so that the detectors know what is usual. People, patients and devices appear under the
names of the simulation; in what Protego publishes people and patients stand under pseudonyms.

${alerts.length} alerts, ${severe} of them critical or high. What was planted, and which alerts are about it, stands at the end. An alert
that is raised again about the same people and things is told once.
`;
}

const NAMES_SHOWN_MAX = 3;

function overview({ alerts }: WatchedDay): string {
  const rows = mattersOf(alerts).map((matter) => {
    const first = alerts[(matter.alerts[0] as number) - 1] as WatchedAlert;
    const more = matter.names.length > NAMES_SHOWN_MAX ? ' …' : '';
    return [
      clockOf(first.found.certainAtMs),
      wardText(first.ward),
      matter.severity,
      matter.title,
      `${matter.names.slice(0, NAMES_SHOWN_MAX).join(', ')}${more}`,
      matter.alerts.join(', '),
    ];
  });
  return `## In short

Alerts that name the same person, device or address are one matter.

${table(['from', 'ward', 'severity', 'what', 'about', 'alerts'], rows)}`;
}

/** Each alert in full; one of the same words about the same people and things is told with the first of them. */
function told(alerts: readonly WatchedAlert[]): string[] {
  const numbers = new Map<string, number[]>();
  alerts.forEach(({ found: { detection } }, index) => {
    const key = [detection.ruleId, ...detection.entities.map(({ kind, id }) => `${kind} ${id}`).sort()].join('\n');
    numbers.set(key, [...(numbers.get(key) ?? []), index + 1]);
  });
  return [...numbers.values()].map(([first = 1, ...again]) => {
    const times = again.map(
      (number) => `${clockOf((alerts[number - 1] as WatchedAlert).found.certainAtMs)} (${number})`,
    );
    const text = alertText(alerts[first - 1] as WatchedAlert, first);
    return times.length === 0 ? text : `${text}\n**Raised again** at ${times.join(', ')}.\n`;
  });
}

function alertText({ found, ward }: WatchedAlert, number: number): string {
  const { severity, title, why, nextStep, harmlessExplanation } = found.detection;
  return `### ${number}. ${clockOf(found.certainAtMs)}, ${wardText(ward)}, ${severity}: ${title}

**What happened:** ${plain(why)}

**What to do first:** ${plain(nextStep)}

**It may be harmless:** ${plain(harmlessExplanation)}
`;
}

function truth(day: WatchedDay, planted: readonly Planted[]): string {
  const row = ({ label, alerts }: Planted): string[] => [
    `${clockOf(Date.parse(label.startsAt))}${label.startsAt < formatRfc3339(day.startMs) ? ', earlier day' : ''}`,
    label.activity.replaceAll('-', ' '),
    label.attack.replaceAll('-', ' '),
    alerts.length === 0 ? '–' : alerts.join(', '),
  ];
  const about = new Set(planted.flatMap(({ alerts }) => alerts));
  const others = day.alerts.map((_, index) => index + 1).filter((number) => !about.has(number));
  const rowsOf = (kind: string): string[][] => planted.filter(({ label }) => label.kind === kind).map(row);
  return `## What was true

Attacks that were under way:

${table(['begins', 'what was played', 'kind of attack', 'alerts'], rowsOf('attack'))}
Harmless activities that resemble an attack; no alert should be about them:

${table(['begins', 'what was played', 'resembles', 'alerts'], rowsOf('benign-twin'))}
Alerts about nothing that was planted: ${others.length === 0 ? 'none' : others.join(', ')}. An attack without an alert may go on beyond the day.
`;
}

/** Values of events are text, not Markdown. */
function plain(text: string): string {
  return text.replaceAll('\n', ' ').replace(/[\\`*_<>[\]|#]/g, '\\$&');
}

function wardText(ward: string | undefined): string {
  return ward === undefined ? 'the whole house' : ward.replaceAll('-', ' ');
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function dateOf(timeMs: number): string {
  return `${WEEKDAYS[new Date(timeMs).getUTCDay()] as string} ${formatRfc3339(timeMs).slice(0, 10)}`;
}

function clockOf(timeMs: number): string {
  return formatRfc3339(timeMs).slice(11, 16);
}
