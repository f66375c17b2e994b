import type { ProtegoEvent } from '@protego/contracts';
import type { BlockView, EventLogReader, LogRecord } from '@protego/event-log';
import { PLACE_TYPES, eventFactsOf, type EventFacts } from '@protego/replay';

/** Facts of the records at some seqs, ascending; a block is read once. Those that have expired are left out. */
export function* evidenceFacts(
  reader: EventLogReader,
  seqs: readonly number[],
  firstSeq: number,
): Generator<EventFacts, void, undefined> {
  let block: BlockView | undefined;
  for (const seq of seqs) {
    if (seq < firstSeq) continue;
    if (block === undefined || seq >= block.header.firstSeq + block.count) block = blockAt(reader, seq);
    if (block !== undefined) yield factsOf(block.recordAt(seq - block.header.firstSeq));
  }
}

/** Facts of all records up to a size that say where people, patients and devices belong. */
export function* knowledgeFacts(reader: EventLogReader, size: number): Generator<EventFacts, void, undefined> {
  for (const record of reader.query({ types: [...PLACE_TYPES], toSeq: size })) yield factsOf(record);
}

function blockAt(reader: EventLogReader, seq: number): BlockView | undefined {
  for (const block of reader.blocks({ fromSeq: seq, toSeq: seq + 1 })) return block;
  return undefined;
}

// As stored: persons and patients by token, whatever the reader may open.
function factsOf({ seq, body }: LogRecord): EventFacts {
  return eventFactsOf(seq, JSON.parse(body.toString('utf8')) as ProtegoEvent);
}
