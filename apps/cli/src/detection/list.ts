import { Command, InvalidArgumentError } from 'commander';
import {
  SEVERITIES,
  systemClock,
  type Detection,
  type DetectionMute,
  type DetectionUnmute,
  type ProtegoEvent,
  type Severity,
} from '@protego/contracts';
import { storedNamesOf, type EventLogReader, type LogRecord } from '@protego/event-log';
import { numberOf } from '../commands/simulate.command';
import { withLog, withReader, type LogOptions, type OpenLog } from '../log/open-log';
import { timeOf } from '../log/selection';
import { Terminal } from '../terminal';
import { pipelineTimeOf, withChoice, type ChoiceOptions } from './detection-options';

const STATUSES: readonly Detection['status'][] = ['raised', 'updated', 'muted'];
/** Most decisions that are kept in mind while detections are listed, the newest. */
const DECISIONS_MAX = 10_000;

interface ListOptions extends LogOptions, ChoiceOptions {
  readonly severity?: Severity;
  readonly status?: Detection['status'];
  readonly since?: number;
  readonly limit?: number;
  readonly reverse: boolean;
  readonly mutes: boolean;
}

/** `protego detection list`: it takes no lock, and holds one block of the log at a time. */
export function listCommand(): Command {
  const command = new Command('list').description(
    'List the detections of a log with their status, or what is muted and acknowledged; it only reads.',
  );
  const example = 'protego detection list --log .protego/log --severity high --since 2026-03-02T00:00:00Z --json';
  return withChoice(withLog(command, example, 'never'))
    .option('--severity <level>', `least severity: ${SEVERITIES.join(', ')}`, oneOf(SEVERITIES))
    .option('--status <status>', STATUSES.join(', '), oneOf(STATUSES))
    .option('--since <time>', 'least event time at which it became certain, RFC 3339', timeOf('--since'))
    .option('--limit <n>', 'most lines to print', numberOf('--limit'))
    .option('--reverse', 'newest first', false)
    .option('--mutes', 'list mutes and acknowledgements instead', false)
    .action((options: ListOptions) => withReader(options, (log) => list(options, log)));
}

async function list(options: ListOptions, log: OpenLog): Promise<void> {
  const terminal = new Terminal(options.json);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  const isChosen = await choiceOf(options, log);
  for (const line of options.mutes ? mutesIn(options, log, isChosen) : detectionsIn(options, log, isChosen)) {
    terminal.line(line);
    if (--left <= 0) return;
  }
}

/** Whether a rule and entities are asked for. */
type Choice = (rule: string | undefined, entities: readonly { kind: string; id: string }[]) => boolean;

async function choiceOf({ rule, entity }: ListOptions, { house }: OpenLog): Promise<Choice> {
  const names = entity === undefined ? [] : await storedNamesOf(entity.id, house.vault);
  return (ruleId, entities) =>
    (rule === undefined || ruleId === rule) &&
    (entity === undefined || entities.some(({ kind, id }) => kind === entity.kind && names.includes(id)));
}

function* detectionsIn(options: ListOptions, { reader }: OpenLog, isChosen: Choice): IterableIterator<string> {
  const acknowledged = acknowledgedIn(reader);
  const { severity = 'informational', status } = options;
  const least = SEVERITIES.indexOf(severity);
  for (const { record, data } of eventsIn<Detection>(reader, ['detection.raised'], options)) {
    if (SEVERITIES.indexOf(data.severity) < least) continue;
    if (status !== undefined && data.status !== status) continue;
    if (!isChosen(data.ruleId, data.entities)) continue;
    const by = acknowledged.get(data.id);
    const line = { seq: record.seq, detection: data, ...(by === undefined ? {} : { acknowledged: by }) };
    yield options.json ? JSON.stringify(line) : lineOf(data, by !== undefined);
  }
}

function lineOf(detection: Detection, isAcknowledged: boolean): string {
  const { certainAt, severity, status, title, ruleId, id } = detection;
  const about = detection.entities.map((entity) => `${entity.kind} ${entity.id}`).join(', ');
  const said = isAcknowledged ? `${status}, acknowledged` : status;
  return `${certainAt}  ${severity}  ${said}  ${title}; ${about}; rule ${ruleId}; id ${id}`;
}

/** What is said of mutes and acknowledgements, each with whether it holds now by the clock of the log. */
function* mutesIn(options: ListOptions, { reader }: OpenLog, isChosen: Choice): IterableIterator<string> {
  const ended = endedIn(reader);
  const nowMs = pipelineTimeOf(reader, systemClock.wallMs());
  const types = ['detection.muted', 'detection.acknowledged'];
  for (const { record, event, data } of eventsIn<DetectionMute>(reader, types, options)) {
    const { entity } = data;
    const ids = entity === undefined ? [] : [entity.id, ...(entity.aliases ?? [])];
    if (
      !isChosen(
        data.rule,
        ids.map((id) => ({ kind: entity?.kind ?? '', id })),
      )
    )
      continue;
    const endedAt = ended.get(event.id);
    const isInForce = endedAt === undefined && Date.parse(data.expiresAt) > nowMs;
    const status = event.type.slice('detection.'.length);
    const ending = endedAt === undefined ? {} : { endedAt };
    const line = { seq: record.seq, id: event.id, status, time: event.time, isInForce, ...ending, ...data };
    yield options.json ? JSON.stringify(line) : muteLineOf(line);
  }
}

type MuteLine = DetectionMute & { id: string; status: string; time: string; isInForce: boolean; endedAt?: string };

function muteLineOf({ id, status, time, isInForce, endedAt, rule, entity, expiresAt, reason }: MuteLine): string {
  const what = [
    ...(rule === undefined ? [] : [`rule ${rule}`]),
    ...(entity === undefined ? [] : [`${entity.kind} ${entity.id}`]),
  ];
  const until = endedAt === undefined ? `until ${expiresAt}` : `ended ${endedAt}`;
  return `${time}  ${isInForce ? 'in force' : 'over'}  ${status}  ${what.join(', ')}; ${until}; ${reason}; id ${id}`;
}

interface Acknowledged {
  readonly id: string;
  readonly time: string;
  readonly expiresAt: string;
}

/** The latest acknowledgement of each detection that one was made from. */
function acknowledgedIn(reader: EventLogReader): Map<string, Acknowledged> {
  const found = new Map<string, Acknowledged>();
  for (const { event, data } of newestOf<DetectionMute>(reader, 'detection.acknowledged')) {
    const { detection, expiresAt } = data;
    if (detection !== undefined && !found.has(detection))
      found.set(detection, { id: event.id, time: event.time, expiresAt });
  }
  return found;
}

/** When mutes and acknowledgements were ended early, by their ids. */
function endedIn(reader: EventLogReader): Map<string, string> {
  const found = new Map<string, string>();
  for (const { event, data } of newestOf<DetectionUnmute>(reader, 'detection.unmuted'))
    found.set(data.mute, event.time);
  return found;
}

function* newestOf<Data>(reader: EventLogReader, type: string): IterableIterator<Read<Data>> {
  let left = DECISIONS_MAX;
  for (const read of eventsIn<Data>(reader, [type], { reverse: true })) {
    yield read;
    if (--left <= 0) return;
  }
}

interface Read<Data> {
  readonly record: LogRecord;
  readonly event: ProtegoEvent;
  readonly data: Data;
}

function* eventsIn<Data>(
  reader: EventLogReader,
  types: readonly string[],
  { since, reverse }: { readonly since?: number; readonly reverse: boolean },
): IterableIterator<Read<Data>> {
  const direction = reverse ? 'backwards' : 'forwards';
  for (const record of reader.query({ types, direction, ...(since === undefined ? {} : { fromTimeMs: since }) })) {
    const event = JSON.parse(record.body.toString('utf8')) as ProtegoEvent;
    yield { record, event, data: event.data as unknown as Data };
  }
}

function oneOf<T extends string>(allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((each) => each === text);
    if (found === undefined) throw new InvalidArgumentError(`It is one of ${allowed.join(', ')}.`);
    return found;
  };
}
