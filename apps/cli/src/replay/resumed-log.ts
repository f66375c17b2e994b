import { ProtegoError } from '@protego/contracts';
import { TileStore } from '@protego/event-log';
import { logOfProgress, replayLogOf, type ReplayLog } from '@protego/replay';
import type { OpenLog } from '../log/open-log';
import { writtenProgress } from './run-directory';

/**
 * The log that an interrupted run read, as it stood when the run began: the log may have grown since. Undefined where nothing was
 * written down.
 *
 * @param out - directory of the run
 * @throws ProtegoError `REPLAY_STATE_FOREIGN` when the log does not begin with the records that the run read;
 *   `REPLAY_STATE_INVALID`; errors of reading the log
 */
export function resumedLogOf(out: string, open: OpenLog): ReplayLog | undefined {
  const { reader, house } = open;
  const written = writtenProgress(out, { keys: house.keys, logId: reader.identity.logId });
  if (written === undefined) return undefined;
  const { size, root, firstSeq } = logOfProgress(written);
  const log = replayLogOf(reader, house.vault);
  if (log.size < size)
    throw foreign(`the run was over ${size} records, the log has ${log.size}: name the log of the run`);
  if (log.firstSeq !== firstSeq)
    throw foreign(
      `records before ${log.firstSeq} have expired since the run began: begin it anew, without \`--resume\``,
    );
  const found = log.size === size ? log.rootHash : rootAt(size, open);
  if (found !== root) throw foreign(`the first ${size} records are not those of the run: name the log of the run`);
  return { ...log, size, rootHash: root };
}

/** Root (hex) of the log when it had so many records. */
function rootAt(size: number, { reader, directory }: OpenLog): string {
  // A run begins with a log that ends with a whole block. Tiles may not hold the last blocks of a log that is being written.
  for (const { header } of reader.blocks({ fromSeq: Math.max(0, size - 1), toSeq: size }))
    if (header.firstSeq + header.count === size) return header.root.toString('hex');
  return new TileStore(directory, size).root().toString('hex');
}

function foreign(message: string): ProtegoError {
  return new ProtegoError('REPLAY_STATE_FOREIGN', message);
}
