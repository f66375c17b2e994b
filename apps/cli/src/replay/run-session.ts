import type { ArtefactSet } from '@protego/artefacts';
import { eventRegistry, readLoggedEvents } from '@protego/contracts';
import { SnapshotFiles, recordBatches } from '@protego/event-log';
import {
  RunControl,
  type Pace,
  documentsOf,
  replayInto,
  replayLogOf,
  snapshotKindOf,
  type EmitRange,
  type ReplayLog,
  type ReplayPorts,
  type ReplayRequest,
  type RunManifest,
} from '@protego/replay';
import { KnowledgeReader, isKnowledgeType, type KnowledgeBook, type SigmaRuleSet } from '@protego/streams';
import { areSetsInForce, compiledArtefacts, type SetsInForce } from '../artefact/replay-artefacts';
import { engineHash } from '../installation';
import type { OpenLog } from '../log/open-log';
import type { Terminal } from '../terminal';
import { partsInThreads } from './part-threads';
import { RunDirectory } from './run-directory';
import { followKeys } from './run-keys';
import { claimOut, recogniseRun } from './run-out';

/** Records after which a run writes down how far it came, unless it is told otherwise. */
export const SAVE_EVERY_RECORDS = 1_048_576;

/** How a log is to be replayed. */
export interface RunSettings extends EmitRange {
  /** One set for the whole log, or sets as they were in force. */
  readonly set: ArtefactSet | SetsInForce;
  /** Directory to write. */
  readonly out: string;
  readonly isResuming?: boolean;
  readonly mutes?: 'honoured' | 'ignored';
  readonly knowledge?: 'then' | 'now';
  /** Threads, each with a part of the artefacts; sets as they were in force run in one. */
  readonly workers?: number;
  readonly chunkRecords?: number | undefined;
  /** Records between two notes of how far the run came. */
  readonly saveEvery?: number;
  /** Begin at a snapshot where there is one that fits. */
  readonly usesSnapshots?: boolean;
  /** Records between two snapshots that the run leaves in the log's directory; none by default. */
  readonly snapshotEvery?: number | undefined;
  /** What to replay, where it is not the whole log as it stands now. */
  readonly log?: ReplayLog;
  readonly ports?: Pick<ReplayPorts, 'found' | 'batchRecords'>;
  readonly pace?: Pace | undefined;
}

/** What a run was made with, and what it made. */
export interface FinishedRun {
  readonly manifest: RunManifest;
  readonly rules: SigmaRuleSet;
}

/**
 * Replays a log into a directory, with progress on the terminal.
 *
 * @throws ProtegoError as `claimOut` and `replayInto` do; `USAGE_INVALID` when there is nothing to resume
 */
export async function runInto(settings: RunSettings, open: OpenLog, terminal: Terminal): Promise<FinishedRun> {
  const { out } = settings;
  const lock = await claimOut(out, recogniseRun, () => terminal.note(`replaces the run that was in \`${out}\``));
  try {
    return await runIntoClaimed(settings, open, terminal);
  } finally {
    await lock.release();
  }
}

async function runIntoClaimed(settings: RunSettings, open: OpenLog, terminal: Terminal): Promise<FinishedRun> {
  const { set } = settings;
  const { reader, house } = open;
  const log = settings.log ?? replayLogOf(reader, house.vault);
  const sealing = { keys: house.keys, logId: reader.identity.logId };
  const directory = new RunDirectory(settings.out, sealing, settings.isResuming ?? false);
  const request = await requestOf(settings, log);
  const files = new SnapshotFiles(sealing, open.directory, snapshotKindOf(request, log.erasuresAt()));
  const { snapshotEvery, usesSnapshots = true, saveEvery = SAVE_EVERY_RECORDS } = settings;
  const store = usesSnapshots ? files : { list: () => [], load: () => undefined, save: files.save.bind(files) };
  const manifest = await watched(terminal, (turn) =>
    replayInto(request, {
      output: directory.output,
      pieces: directory.pieces,
      progress: { store: directory.progress, everyRecords: saveEvery },
      snapshots: { store, everyRecords: snapshotEvery ?? Number.POSITIVE_INFINITY },
      ...((request.partCount ?? 1) > 1 && !areSetsInForce(set)
        ? { startParts: partsInThreads(set, log.open === undefined ? undefined : house.vault) }
        : {}),
      ...settings.ports,
      turn: async (progress) => {
        await turn(progress);
        await settings.pace?.reach(progress.atMs, () => turn(progress));
      },
    }),
  );
  directory.finish(manifest);
  return { manifest, rules: documentsOf(request.artefacts).rules };
}

async function requestOf(settings: RunSettings, log: ReplayLog): Promise<ReplayRequest> {
  const { set, mutes, chunkRecords, workers = 1 } = settings;
  return {
    log,
    artefacts: compiledArtefacts(set),
    artefactHashes: set.hashes,
    engine: engineHash(),
    partCount: areSetsInForce(set) ? 1 : workers,
    ...rangeOf(settings),
    ...(mutes === undefined ? {} : { mutes }),
    ...(settings.knowledge === 'now' ? { knowledge: await knowledgeOf(log) } : {}),
    ...(chunkRecords === undefined ? {} : { chunkRecords }),
  };
}

function rangeOf({ emitFromMs, emitToMs, emitFromSeq, emitToSeq }: EmitRange): EmitRange {
  return { emitFromMs, emitToMs, emitFromSeq, emitToSeq };
}

/** Shows progress, and lets keys and signals halt and end the run. */
async function watched<T>(terminal: Terminal, run: (turn: NonNullable<ReplayPorts['turn']>) => Promise<T>): Promise<T> {
  const control = new RunControl();
  const progress = terminal.progress('replay', 'records');
  const leaveKeys = followKeys(control, (text) => terminal.note(text));
  let batches = 0;
  try {
    return await run(async ({ read, size }) => {
      progress.update(read, size);
      // Keys and signals are heard between two turns of the loop.
      if (++batches % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      await control.turn();
    });
  } finally {
    leaveKeys();
    progress.stop();
  }
}

/** All that a log knows of the house. */
export async function knowledgeOf(log: ReplayLog): Promise<KnowledgeBook> {
  const knowledge = new KnowledgeReader();
  for (const batch of recordBatches(log.records(log.firstSeq, log.size))) {
    const known = batch.filter(({ type }) => isKnowledgeType(type));
    if (known.length === 0) continue;
    for (const event of await readLoggedEvents(known, eventRegistry, log.open)) knowledge.take(event);
  }
  return knowledge.book();
}
