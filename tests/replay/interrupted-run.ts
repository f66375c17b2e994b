import { join } from 'node:path';
import { loadArtefactSet, type ArtefactSet } from '@protego/artefacts';
import { replayInto, replayLogOf, type ReplayPorts, type RunManifest } from '@protego/replay';
import { compileSigma, decidingText } from '@protego/streams';
import { RunDirectory } from '../../apps/cli/src/replay/run-directory';
import { openHistory } from '../history-log';

const STREAMS = join(__dirname, '../../streams');

/** What the tests replay with. */
export const SHIPPED_SET: ArtefactSet = loadArtefactSet({
  rulesPath: join(STREAMS, 'rules'),
  streamsDir: STREAMS,
  decidingText,
});
const RULES = compileSigma(SHIPPED_SET.rules, SHIPPED_SET);

/** The end of a process, played by an error that nobody handles: what was written stays as it is. */
export class Killed extends Error {}

/** How one run is made. */
export interface InterruptedRun {
  readonly log: string;
  readonly out: string;
  readonly isResuming: boolean;
  readonly partCount: number;
  readonly saveEvery: number;
  /** Called before and after everything that the run does outside; may throw {@link Killed}. */
  readonly step: () => void;
}

/** Replays a log into a directory; ends with {@link Killed} where `step` says so. */
export async function runUntilKilled(run: InterruptedRun): Promise<RunManifest> {
  const history = await openHistory(run.log);
  try {
    const { reader, house } = history;
    const sealing = { keys: house.keys, logId: reader.identity.logId };
    const directory = new RunDirectory(run.out, sealing, run.isResuming);
    const manifest = await replayInto(
      {
        log: replayLogOf(reader, house.vault),
        artefacts: { rules: RULES, declarations: SHIPPED_SET.declarations },
        artefactHashes: SHIPPED_SET.hashes,
        engine: 'test',
        partCount: run.partCount,
      },
      {
        output: directory.output,
        pieces: stepping(directory.pieces, run.step),
        progress: { store: stepping(directory.progress, run.step), everyRecords: run.saveEvery },
        turn: async () => run.step(),
      },
    );
    run.step();
    directory.finish(manifest);
    return manifest;
  } finally {
    await history.house.close();
  }
}

function stepping<T extends ReplayPorts['pieces'] | NonNullable<ReplayPorts['progress']>['store']>(
  port: T,
  step: () => void,
): T {
  const entries = Object.entries(port).map(([name, call]) => {
    const stepped = (...args: unknown[]): unknown => {
      step();
      const result = (call as (...given: unknown[]) => unknown)(...args);
      step();
      return result;
    };
    return [name, stepped];
  });
  return Object.fromEntries(entries) as T;
}
