import { ProtegoError } from '@protego/contracts';
import { type MonotonicCounters } from '../platform/platform';
import { type BlobHeader } from './blob-format';

// Two counters of the platform stand behind one of a blob: how many were sealed, and which one is known to be stored.
// Between the two a crash may have happened: blobs from the stored one up to the last one sealed are open to be
// taken.
const issuedOf = (name: string): string => `${name}#issued`;
const committedOf = (name: string): string => `${name}#stored`;

/** Number of a new blob: greater than that of any before it, also of one that was never stored. */
export async function issueCounter(counters: MonotonicCounters, name: string): Promise<number> {
  return counters.increment(issuedOf(name));
}

/**
 * Makes the blobs before this one void.
 *
 * @throws ProtegoError `ENCLAVE_ROLLED_BACK` when it was never sealed, as far as the counters know
 */
export async function commitCounter(counters: MonotonicCounters, { counter, counterValue }: BlobHeader): Promise<void> {
  if (counter === '') return;
  const issued = await counters.read(issuedOf(counter));
  if (counterValue > issued) throw rolledBack(counter, counterValue, `the counters know of ${issued} only`);
  await counters.advance(committedOf(counter), counterValue);
}

/**
 * Refuses a blob that a newer one has replaced, and makes those before it void.
 *
 * @param expectedAtLeast value that a keeper outside this machine saw
 * @throws ProtegoError `ENCLAVE_ROLLED_BACK`
 */
export async function mustBeCurrent(
  counters: MonotonicCounters,
  header: BlobHeader,
  expectedAtLeast = 0,
): Promise<void> {
  const { counter, counterValue } = header;
  if (counter === '') return;
  const committed = await counters.read(committedOf(counter));
  if (counterValue < Math.max(committed, expectedAtLeast)) {
    throw rolledBack(counter, counterValue, `${Math.max(committed, expectedAtLeast)} has been in use`);
  }
  await commitCounter(counters, header);
}

function rolledBack(counter: string, counterValue: number, problem: string): ProtegoError {
  const message = `the blob has \`${counter}\` ${counterValue}, and ${problem}`;
  return new ProtegoError('ENCLAVE_ROLLED_BACK', message, { counter, counterValue });
}
