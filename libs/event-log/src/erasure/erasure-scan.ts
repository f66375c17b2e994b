import type { ProtegoEvent, StoredFields } from '@protego/contracts';
import { NAMES_MAX, type NameSearch, type PersonalDataVault } from '@protego/enclave';
import type { LogRecord } from '../log-record';
import type { EventLogReader } from '../reader/reader';
import { recordBatches } from '../reader/record-batches';

/** Most seqs of records with a name in readable text that are listed. */
export const TEXT_SEQS_MAX = 1_000;
/** Most seqs of affected records that are kept; more are counted. */
const AFFECTED_SEQS_MAX = 5_000_000;

/** Records that hold something of a person. */
export interface AffectedRecords {
  readonly records: number;
  /** Seq of the first; null when there is none. */
  readonly firstSeq: number | null;
  /** Seq of the last; null when there is none. */
  readonly lastSeq: number | null;
}

/** Records in whose readable text a name was found. */
export interface TextsFound {
  /** Number of such records. */
  readonly records: number;
  /** Seqs of the first of them, at most {@link TEXT_SEQS_MAX}. */
  readonly seqs: readonly number[];
}

/** Seqs of affected records, ascending, as many as are kept, and the count of all. */
export class AffectedSeqs {
  private readonly seqs: number[] = [];
  private count = 0;
  private last: number | null = null;

  /** Takes the next; seqs come in order. */
  add(seq: number): void {
    if (this.seqs.length < AFFECTED_SEQS_MAX) this.seqs.push(seq);
    this.count++;
    this.last = seq;
  }

  /** True when one of them lies in the half-open range; where not all were kept, also when one of the others may. */
  hasWithin(from: number, to: number): boolean {
    let low = 0;
    let high = this.seqs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.seqs[middle] as number) < from) low = middle + 1;
      else high = middle;
    }
    const next = this.seqs[low];
    if (next !== undefined) return next < to;
    return this.count > this.seqs.length && from <= (this.last ?? -1);
  }

  /** What a receipt says of them. */
  summary(): AffectedRecords {
    return { records: this.count, firstSeq: this.seqs[0] ?? null, lastSeq: this.last };
  }
}

/**
 * Before the keys are destroyed: the records that name a person in a field of theirs, and the clear names that stand there.
 *
 * @param reader opened with `subjectsOf`
 * @param tokens `shared` are those of names that others have too: their records teach names, and are not the person's
 */
export async function surveyFields(
  reader: EventLogReader,
  vault: PersonalDataVault,
  tokens: { readonly own: readonly string[]; readonly shared: readonly string[] },
): Promise<{ readonly affected: AffectedSeqs; readonly names: ReadonlySet<string> }> {
  const affected = new AffectedSeqs();
  const names = new Set<string>();
  const all = [...tokens.own, ...tokens.shared];
  for await (const batch of batchesOf(reader.query({ subjects: all }))) {
    for (const { seq, body } of batch) if (tokens.own.some((token) => body.includes(token))) affected.add(seq);
    const withFields = batch.filter(({ sealed }) => sealed.length > 0).map(storedFieldsOf);
    if (withFields.length === 0) continue;
    for (const name of await vault.namesBehind(withFields, all)) if (names.size < NAMES_MAX) names.add(name);
  }
  return { affected, names };
}

/**
 * After the keys are destroyed, over the whole log: every record that was sealed under one of them or holds one of the
 * tokens, and every record in which a name can still be read, in whatever field.
 */
export async function scanTexts(
  reader: EventLogReader,
  vault: PersonalDataVault,
  person: { readonly keyIds: readonly string[]; readonly tokens: readonly string[]; readonly search: NameSearch },
): Promise<{ readonly affected: AffectedSeqs; readonly texts: TextsFound }> {
  const keyIds = person.keyIds.map((keyId) => Buffer.from(keyId, 'hex'));
  const affected = new AffectedSeqs();
  const seqs: number[] = [];
  let records = 0;
  for await (const batch of batchesOf(reader.records())) {
    const named = await vault.eventsNaming(batch.map(storedFieldsOf), person.search.names);
    batch.forEach(({ seq, body, sealed }, i) => {
      // A sealed part names its keys by 16 random bytes, which stand nowhere else.
      if (
        (sealed.length > 0 && keyIds.some((keyId) => sealed.includes(keyId))) ||
        person.tokens.some((each) => body.includes(each))
      ) {
        affected.add(seq);
      }
      if (named[i] !== true) return;
      records++;
      if (seqs.length < TEXT_SEQS_MAX) seqs.push(seq);
    });
  }
  return { affected, texts: { records, seqs } };
}

const ERASED = 'log.erased';
/** Records between two turns of the event loop: an engine must go on taking events while a log is searched. */
const RECORDS_A_TURN = 256;

/** The records that are no erasures, in batches, with a turn of the event loop for others before each but the first. */
async function* batchesOf(records: Iterable<LogRecord>): AsyncGenerator<LogRecord[], void, undefined> {
  for (const batch of recordBatches(records, RECORDS_A_TURN)) {
    yield batch.filter(({ type }) => type !== ERASED);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function storedFieldsOf({ body, sealed }: LogRecord): StoredFields {
  return { event: JSON.parse(body.toString('utf8')) as ProtegoEvent, sealed };
}
