/** Most records of one batch: as many as a vault is asked about in one call. */
export const BATCH_RECORDS_MAX = 512;
/** Bytes of memory that the records of a batch keep alive, after which it is full. */
const BATCH_BYTES_MAX = 16_777_216;

/** What a batch holds: buffers that may share memory with a whole block. */
interface HeldBytes {
  readonly body: Uint8Array;
}

/**
 * Records in batches, in order, for what asks a vault about many of them. A batch ends at `recordsMax` records, or where it
 * keeps too much memory alive: few records of each of many blocks hold those blocks.
 */
export function* recordBatches<T extends HeldBytes>(
  records: Iterable<T>,
  recordsMax = BATCH_RECORDS_MAX,
): Generator<T[], void, undefined> {
  let batch: T[] = [];
  let heldBytes = 0;
  let lastMemory: ArrayBufferLike | undefined;
  for (const record of records) {
    const memory = record.body.buffer;
    if (memory !== lastMemory) heldBytes += memory.byteLength;
    lastMemory = memory;
    batch.push(record);
    if (batch.length < recordsMax && heldBytes < BATCH_BYTES_MAX) continue;
    yield batch;
    batch = [];
    heldBytes = 0;
    lastMemory = undefined;
  }
  if (batch.length > 0) yield batch;
}
