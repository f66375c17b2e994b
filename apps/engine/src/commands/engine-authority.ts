import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LogAuthority, WritableLog } from '@protego/event-log';
import type { PipelineRunner } from '../pipeline/pipeline-runner.service';

/** The engine's right to write the log that it holds: its events go the way of all events that it writes. */
export function engineAuthority({ writer, dedupe, directory }: WritableLog, pipeline: PipelineRunner): LogAuthority {
  return {
    async append(type, id, data, timeMs) {
      const seq = await pipeline.appendOwn(type, id, data, timeMs);
      // Once it stands in the log the segments may go, and with them the ids on the disk.
      if (type === 'log.expired')
        for (const firstSeq of segmentsBefore(directory, Number(data['toSeq']))) dedupe.segmentRemoved(firstSeq);
      return seq;
    },
    syncTiles: () => writer.syncTiles(),
    checkpoint: () => writer.signCheckpoint(),
  };
}

/** First seqs of the segments that lie before a seq at which a segment begins. */
function segmentsBefore(directory: string, endSeq: number): number[] {
  return readdirSync(join(directory, 'segments'))
    .filter((name) => /^\d{16}\.seg$/.test(name))
    .map((name) => Number(name.slice(0, 16)))
    .filter((firstSeq) => firstSeq < endSeq);
}
