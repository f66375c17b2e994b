import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { canonicalJson, formatRfc3339, parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import {
  runReplay,
  type ReplayOutcome,
  type ReplayPorts,
  type ReplayRequest,
  type SnapshotStore,
  type StoredSnapshot,
} from '@protego/replay';
import { simulateHospital } from '@protego/simulation';
import { compileSigma, type PipelineArtefacts } from '@protego/streams';
import { withReplayLog } from '../history-log';
import { seededRandom } from '../seeded-random';
import { SHIPPED_SET } from './interrupted-run';

/** Artefacts as they are shipped, compiled anew, so that a test may spoil them. */
export function shippedArtefacts(): PipelineArtefacts {
  return { rules: compileSigma(SHIPPED_SET.rules, SHIPPED_SET), declarations: SHIPPED_SET.declarations };
}

const SHIPPED = shippedArtefacts();

/** Lines of a history, as they arrived: a recorded one, or one made of a seed. */
export function linesOfHistory(place: string | { readonly seed: number; readonly days: number }): string[] {
  if (typeof place === 'string')
    return gunzipSync(readFileSync(join(place, 'events.ndjson.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
  const settings = { wards: '1', bedsPerWard: '16', attacksPerDay: '48', twinsPerDay: '48' };
  const { events } = simulateHospital({ scenario: 'general', ...place, settings });
  return [...events].map((event) => canonicalJson(event));
}

/** Longest delay of a shuffled event: with the delay that it has already, less than its source is allowed to be late. */
const SHUFFLED_BY_MS = 1_500;

/** The same events in another order of arrival, each later by up to {@link SHUFFLED_BY_MS}. */
export function shuffledWithinLateness(lines: readonly string[], seed: number): string[] {
  const random = seededRandom(seed);
  return lines
    .map((line, i) => {
      const event = JSON.parse(line) as ProtegoEvent;
      const at = (parseRfc3339Ms(event.arrivedat as string) as number) + Math.floor(random() * SHUFFLED_BY_MS);
      return { line: canonicalJson({ ...event, arrivedat: formatRfc3339(at) }), i, at };
    })
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ line }) => line);
}

/** Writes lines to a file. */
export function writeLines(path: string, lines: readonly string[]): string {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

/** Replays a log with what is shipped. */
export function replayHistory(
  log: string,
  change: Partial<ReplayRequest> = {},
  ports: Partial<ReplayPorts> = {},
): Promise<ReplayOutcome> {
  return withReplayLog(log, (replayLog) =>
    runReplay(
      {
        log: replayLog,
        artefacts: SHIPPED,
        artefactHashes: SHIPPED_SET.hashes,
        engine: 'golden',
        ...change,
      },
      ports,
    ),
  );
}

/** Snapshots in memory. */
export class SnapshotShelf implements SnapshotStore {
  readonly #shelf = new Map<number, { readonly snapshot: StoredSnapshot; readonly bytes: Uint8Array }>();
  /** Those that a run began at. */
  readonly used: number[] = [];
  /** Where set, the only snapshot that is to be seen. */
  only: number | undefined;

  list(): readonly StoredSnapshot[] {
    const all = [...this.#shelf.values()].map(({ snapshot }) => snapshot);
    return this.only === undefined ? all : all.filter(({ seq }) => seq === this.only);
  }

  load({ seq }: StoredSnapshot): Uint8Array | undefined {
    this.used.push(seq);
    return this.#shelf.get(seq)?.bytes;
  }

  save(snapshot: StoredSnapshot, bytes: Uint8Array): void {
    this.#shelf.set(snapshot.seq, { snapshot, bytes });
  }
}

/** Hashes of what is found in ways that must make no difference, by the name of the way. */
export async function hashesOf(log: string, artefacts: PipelineArtefacts, seed: number): Promise<Map<string, string>> {
  const random = seededRandom(seed);
  const hashes = new Map<string, string>();
  const note = async (way: string, change: Partial<ReplayRequest>, ports: Partial<ReplayPorts> = {}): Promise<void> => {
    const { manifest, detectionLines } = await replayHistory(log, { artefacts, ...change }, ports);
    if (detectionLines.length === 0) throw new Error('a history in which nothing is found shows nothing');
    hashes.set(way, manifest.outputHash);
  };
  const shelf = new SnapshotShelf();
  await note('straight', {});
  for (const partCount of [2, 3, 4]) await note(`${partCount} parts`, { partCount });
  for (let chunks = 1; chunks <= 2; chunks++) {
    const chunkRecords = 64 + Math.floor(random() * 3_000);
    await note(`chunks of ${chunkRecords}`, { chunkRecords });
  }
  await note('while snapshots are taken', {}, { snapshots: { store: shelf, everyRecords: 4_096 } });
  for (const { seq } of [...shelf.list()]) {
    shelf.only = seq;
    const before = shelf.used.length;
    await note(
      `from the snapshot at ${seq}`,
      {},
      { snapshots: { store: shelf, everyRecords: Number.POSITIVE_INFINITY } },
    );
    if (shelf.used.length === before) throw new Error(`the snapshot at ${seq} was not used`);
  }
  return hashes;
}
