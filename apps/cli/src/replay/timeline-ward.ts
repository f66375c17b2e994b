import { USUAL_MS, VolumeCounter, tellEvent, type TimelineRange } from '@protego/replay';
import { formatRfc3339 } from '@protego/contracts';
import type { OpenLog } from '../log/open-log';
import {
  FOUND_MAX,
  SEARCHED_MAX,
  foundRecord,
  holds,
  isToldElsewhere,
  type Found,
  type FoundRecord,
} from './timeline-records';

/** Types that are told one by one beside those that stand out. */
const CARE = /^care\.patient-/;

/** What a ward shows: what stands out, how much there was of everything, and which records are of the ward. */
export interface FoundWard extends Found {
  readonly counter: VolumeCounter;
  /** Seqs of all records of the ward within the range. */
  readonly seqs: ReadonlySet<number>;
}

/** Reads the records of a ward, with those of the day before the range, which say what is usual. */
export function recordsOfWard({ reader }: OpenLog, ward: string, { fromMs, toMs }: TimelineRange): FoundWard {
  const name = JSON.stringify(ward);
  const needles = [`"ward":${name}`, `"from_ward":${name}`].map((text) => Buffer.from(text));
  const counter = new VolumeCounter();
  const seqs = new Set<number>();
  const records: FoundRecord[] = [];
  let read = 0;
  let stoppedAt: string | null = null;
  for (const record of reader.query({ fromTimeMs: fromMs - USUAL_MS, toTimeMs: toMs })) {
    if (++read > SEARCHED_MAX || records.length >= FOUND_MAX) {
      stoppedAt = formatRfc3339(record.timeMs);
      break;
    }
    if (isToldElsewhere(record.type) || !holds(record, needles)) continue;
    counter.add(record.type, record.timeMs);
    if (record.timeMs < fromMs) continue;
    seqs.add(record.seq);
    const found = toldOf(record);
    if (found !== undefined) records.push(found);
  }
  const searched = { by: 'fields', found: seqs.size, read: Math.min(read, SEARCHED_MAX), stoppedAt } as const;
  return { records, searched, counter, seqs };
}

function toldOf(record: Parameters<typeof foundRecord>[0]): FoundRecord | undefined {
  const found = foundRecord(record);
  const { type, data } = found.event;
  return CARE.test(type) || tellEvent(type, data).isNotable ? found : undefined;
}
