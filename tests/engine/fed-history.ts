import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { canonicalJson, type Detection, type ProtegoEvent } from '@protego/contracts';
import { ADMINISTRATOR_USER, PROTEGO, ROOT, SITE, type EngineHouse } from './engine-house';
import { bytesOf, subjectOf } from './sample-events';

const IN_FLIGHT_MAX = 256;

/** Events of a recorded history, in the order of their arrival, as events of the site of the tests. */
export function historyEvents(name: string): ProtegoEvent[] {
  const text = gunzipSync(readFileSync(join(ROOT, 'replay-data', name, 'events.ndjson.gz'))).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as ProtegoEvent), site: SITE }));
}

/** Publishes events in their order, as fast as the bus stores them. */
export async function feed(house: EngineHouse, events: readonly ProtegoEvent[]): Promise<void> {
  const connection = await house.connect(ADMINISTRATOR_USER);
  const stream = connection.jetstream({ timeout: 20_000 });
  try {
    for (let at = 0; at < events.length; at += IN_FLIGHT_MAX)
      await Promise.all(
        events.slice(at, at + IN_FLIGHT_MAX).map((event) => stream.publish(subjectOf(event), bytesOf(event))),
      );
  } finally {
    await connection.close();
  }
}

/** Lines as `detections.jsonl` holds them, of detections that were received or logged: without what hangs on the log. */
export function detectionLines(detections: readonly Detection[]): string[] {
  return [...detections]
    .sort(
      (a, b) => Date.parse(a.certainAt) - Date.parse(b.certainAt) || compare(a.ruleId, b.ruleId) || compare(a.id, b.id),
    )
    .map(({ evidence: _evidence, ...rest }) => canonicalJson(rest));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Detections that were published, in the order of the stream. */
export async function published(house: EngineHouse): Promise<Detection[]> {
  const messages = (await house.results()).filter(({ subject }) => subject.includes('.detection.'));
  return messages.map(({ data }) => detectionOf(JSON.parse(Buffer.from(data).toString('utf8')) as ProtegoEvent));
}

/** Detections that stand in the log, in its order. */
export async function logged(house: EngineHouse): Promise<Detection[]> {
  const log = await house.log();
  return log.filter(({ event }) => event.type === 'detection.raised').map(({ event }) => detectionOf(event));
}

const detectionOf = ({ data }: ProtegoEvent): Detection => data as unknown as Detection;

/** How a command of the command line ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line to its end. */
export function run(...args: string[]): Ended {
  const options = { encoding: 'utf8', maxBuffer: 1 << 27, cwd: ROOT } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], options);
  return { code: status, out: stdout, err: stderr };
}

/** Runs the command line to its end; throws when it fails. */
export function done(...args: string[]): string {
  const { code, out, err } = run(...args);
  if (code !== 0) throw new Error(`${args.slice(0, 3).join(' ')} ended with ${code}: ${err}`);
  return out;
}

/** Lines of `detections.jsonl` of a replay of the engine's log. */
export function replayLines(house: EngineHouse, name: string, ...args: string[]): string[] {
  const out = join(house.root, name);
  done('replay', '--log', house.logDir, '--out', out, '--json', ...args);
  const text = readFileSync(join(out, 'detections.jsonl'), 'utf8');
  return text === '' ? [] : text.trimEnd().split('\n');
}
