import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EventValidator, eventRegistry } from '@protego/contracts';
import { readSourceBatches } from '@protego/sources';
import type { SigmaRecord } from '@protego/streams';
import { WINDOWS_RECORDINGS } from '../places';

/** The decoded recordings, as rules see them, of which `isWanted` takes the n-th. */
export async function windowsRecords(
  isWanted: (data: SigmaRecord['data'], n: number) => boolean,
): Promise<SigmaRecord[]> {
  const validator = new EventValidator(eventRegistry);
  const records: SigmaRecord[] = [];
  let n = 0;
  for (const path of recordings()) {
    for await (const batch of readSourceBatches(path, 'windows', { site: 'bench', validator })) {
      for (const item of batch) {
        if (item.kind !== 'event' || !isWanted(item.event.data, n++)) continue;
        const { type, data } = item.event;
        records.push({ type, data, envelope: item.event as unknown as Record<string, unknown> });
      }
    }
  }
  return records;
}

function recordings(): string[] {
  return readdirSync(WINDOWS_RECORDINGS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl.gz'))
    .sort()
    .map((name) => join(WINDOWS_RECORDINGS, name));
}
