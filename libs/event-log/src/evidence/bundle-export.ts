import { randomBytes, type KeyObject } from 'node:crypto';
import { ProtegoError, canonicalJson, formatRfc3339, type Clock, type EventSeq } from '@protego/contracts';
import type { LogKeys, PersonalDataVault } from '@protego/enclave';
import { openCheckpoint, type Checkpoint } from '../tree/checkpoint';
import { readIdentity, type LogIdentity } from '../log-identity';
import { checkConsistency, makeConsistencyProof } from '../tree/proof';
import { makeRangeProof, type LeafRange } from '../tree/range-proof';
import type { LogRecord } from '../log-record';
import type { EventLogReader } from '../reader/reader';
import { recordBatches } from '../reader/record-batches';
import { parseVerifierKey } from '../tree/signed-note';
import { TileStore } from '../tree/tile-store';
import { BUNDLE_VERSION, BundleFile } from './bundle-file';
import { hpkeSeal, receiverKeyId, receiverPublicKey } from './hpke';
import type { LogAuthority } from './log-authority';
import { selectRecords, storedNamesOf, subjectsOfRecord, type RecordSelection } from './record-selection';
import { KEYS_INFO, leafHashOf, rawPublicKey, type JsonObject } from './standalone/verify-bundle';

/** Most records of one bundle. */
export const BUNDLE_RECORDS_MAX = 1_000_000;

const KEY_ENTRY_BYTES = 38;
const PURPOSE_CHARACTERS_MAX = 1_000;

/** What is exported, to whom, and what for. */
export interface BundleExportOptions {
  /** Directory of the log. */
  readonly directory: string;
  /** Opened with `subjectsOf` when a subject is selected. */
  readonly reader: EventLogReader;
  readonly keys: LogKeys;
  readonly vault: PersonalDataVault;
  readonly authority: LogAuthority;
  readonly clock: Clock;
  /** File to make; it must not exist. */
  readonly file: string;
  readonly selection: RecordSelection;
  /** Public key of the receiver, PEM or JWK; without it the bundle proves records and opens no personal field. */
  readonly receiver?: string;
  /** Why the records leave the log. It stands in the log and in the bundle in clear: it must name no person. */
  readonly purpose: string;
  /**
   * What the records are to show, as JSON for whoever reads the bundle. The manifest then holds it, under the signature, and
   * lists the hash of every leaf, so that a reader can name the record that was altered.
   */
  readonly claim?: JsonObject;
  /** An older signed checkpoint that the receiver holds: the bundle then proves that the log has grown from it. */
  readonly earlierCheckpoint?: string;
}

/** What was exported. */
export interface BundleSummary {
  readonly file: string;
  /** Random name of the bundle, hex. */
  readonly bundle: string;
  readonly bytes: number;
  readonly records: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** True when the records follow each other without a gap. */
  readonly isContiguous: boolean;
  /** Record keys that the receiver gets. */
  readonly keys: number;
  /** Short name of the receiver's key; undefined without a receiver. */
  readonly receiver: string | undefined;
  /** Seq of the `log.exported` event. */
  readonly eventSeq: EventSeq;
  /** Signed checkpoint that the bundle's proof leads to; it covers the event. */
  readonly checkpoint: string;
}

interface Collected {
  readonly ranges: readonly LeafRange[];
  readonly records: number;
  /** Entries for the receiver: ordinal of the record u32, slot u16, key. */
  readonly keys: readonly Buffer[];
  /** Hashes of the leaves; empty without a claim. */
  readonly leafHashes: readonly Buffer[];
  /** Names by which the records were found, as they stand in them: a person's clear name never does. */
  readonly names: ReadonlySet<string>;
}

interface Made {
  readonly identity: LogIdentity;
  readonly name: string;
  readonly collected: Collected;
  readonly receiver: KeyObject | undefined;
  readonly checkpoint: string;
  readonly eventSeq: EventSeq;
}

/**
 * Writes an evidence bundle: the chosen records as they are stored, their proof up to a signed checkpoint, and the keys of
 * their personal fields sealed to the receiver. That records leave the log is recorded in it, durably, before the file
 * exists under its name.
 *
 * @throws ProtegoError `LOG_RANGE_MISSING` when no record is meant; `BUNDLE_KEY_INVALID` for the receiver's key;
 *   `LOG_CHECKPOINT_INVALID`, `LOG_FORKED`, `LOG_TRUNCATED` for the older checkpoint; `USAGE_INVALID` when the file exists
 *   or the bundle would be too large; errors of reading the log and of the disk
 */
export async function exportBundle(options: BundleExportOptions): Promise<BundleSummary> {
  const { directory, keys, authority, file } = options;
  const identity = readIdentity(directory);
  const receiver = options.receiver === undefined ? undefined : receiverPublicKey(options.receiver);
  const earlier = earlierOf(options.earlierCheckpoint, identity);
  checkPurpose(options.purpose);
  const bundle = await BundleFile.create(file);
  const entries: Buffer[] = [];
  try {
    const collected = await collect(bundle, options, receiver === undefined ? undefined : entries);
    const name = randomBytes(16).toString('hex');
    const facts = factsOf(name, collected, receiver);
    const eventSeq = await authority.append('log.exported', `exported-${name}`, { ...facts, purpose: options.purpose });
    const checkpoint = await authority.checkpoint();
    const source = sourceOf(directory, checkpoint, identity);
    const proof = Buffer.concat(makeRangeProof(source, collected.ranges));
    const sealedKeys = await sealKeys(receiver, collected.keys, bundle.recordsHash());
    const made: Made = { identity, name, collected, receiver, checkpoint, eventSeq };
    const growth = earlier === undefined ? null : growthOf(source, earlier, options.earlierCheckpoint);
    const manifest = Buffer.from(canonicalJson({ ...manifestOf(options, made), earlier: growth }));
    const bytes = await bundle.finish({ proof, sealedKeys, manifest }, keys.signer);
    return summaryOf(file, bytes, made);
  } catch (error) {
    await bundle.discard();
    throw error;
  } finally {
    for (const entry of entries) entry.fill(0);
  }
}

function checkPurpose(purpose: string): void {
  if (purpose.trim() !== '' && purpose.length <= PURPOSE_CHARACTERS_MAX && purpose.isWellFormed()) return;
  throw new ProtegoError('USAGE_INVALID', `a purpose of 1 to ${PURPOSE_CHARACTERS_MAX} characters is needed`);
}

/** @param entries where the entries for the receiver go; the caller wipes them, also after a failure */
async function collect(
  bundle: BundleFile,
  options: BundleExportOptions,
  entries: Buffer[] | undefined,
): Promise<Collected> {
  const { reader, vault, selection } = options;
  const ranges: { begin: number; end: number }[] = [];
  const wanted = selection.subject === undefined ? [] : await storedNamesOf(selection.subject, vault);
  const names = new Set<string>();
  const leafHashes: Buffer[] = [];
  let records = 0;
  for (const batch of recordBatches(await selectRecords(reader, vault, selection))) {
    entries?.push(...(await keyEntriesOf(batch, records, vault)));
    for (const record of batch) {
      if (records === BUNDLE_RECORDS_MAX) throw tooMany();
      const { seq, leaf } = record;
      await bundle.add(seq, leaf);
      if (options.claim !== undefined) leafHashes.push(leafHashOf(leaf));
      if (names.size < wanted.length) addNames(names, wanted, subjectsOfRecord(record));
      const last = ranges.at(-1);
      if (last?.end === seq) last.end = seq + 1;
      else ranges.push({ begin: seq, end: seq + 1 });
      records++;
    }
  }
  if (records === 0) throw new ProtegoError('LOG_RANGE_MISSING', 'no record of the log fits the selection');
  return { ranges, records, keys: entries ?? [], leafHashes, names };
}

function addNames(names: Set<string>, wanted: readonly string[], stored: readonly string[]): void {
  for (const name of wanted) if (stored.includes(name)) names.add(name);
}

/** Entries for the slots of some records, of which the first is the one with the ordinal `from`. */
async function keyEntriesOf(records: readonly LogRecord[], from: number, vault: PersonalDataVault): Promise<Buffer[]> {
  const ordinals = records.flatMap(({ sealed }, i) => (sealed.length > 0 ? [i] : []));
  if (ordinals.length === 0) return [];
  const keys = await vault.slotKeys(ordinals.map((i) => (records[i] as LogRecord).sealed));
  return ordinals.flatMap((i, n) => (keys[n] ?? []).map(({ slot, key }) => keyEntry(from + i, slot, key)));
}

function keyEntry(ordinal: number, slot: number, key: Buffer): Buffer {
  const entry = Buffer.alloc(KEY_ENTRY_BYTES);
  entry.writeUInt32BE(ordinal, 0);
  entry.writeUInt16BE(slot, 4);
  key.copy(entry, 6);
  key.fill(0);
  return entry;
}

function tooMany(): ProtegoError {
  const message = `more than ${BUNDLE_RECORDS_MAX} records are meant: narrow the selection`;
  return new ProtegoError('USAGE_INVALID', message, { recordsMax: BUNDLE_RECORDS_MAX });
}

function spanOf({ ranges }: Collected): { readonly firstSeq: number; readonly lastSeq: number } {
  return { firstSeq: ranges[0]?.begin ?? 0, lastSeq: (ranges.at(-1)?.end ?? 0) - 1 };
}

function factsOf(bundle: string, collected: Collected, receiver: KeyObject | undefined): Record<string, unknown> {
  const { firstSeq, lastSeq } = spanOf(collected);
  return {
    bundle,
    // As everywhere, a range ends with the seq after its last record.
    fromSeq: firstSeq,
    toSeq: lastSeq + 1,
    records: collected.records,
    keys: collected.keys.length,
    ...(receiver === undefined ? {} : { receiver: receiverKeyId(receiver) }),
  };
}

function earlierOf(note: string | undefined, identity: LogIdentity): Checkpoint | undefined {
  return note === undefined ? undefined : openCheckpoint(note, [parseVerifierKey(identity.verifierKey)]);
}

/** The tree of a checkpoint, from the stored tiles; every proof made from it is checked by whoever reads the bundle. */
function sourceOf(directory: string, checkpoint: string, identity: LogIdentity): TileStore {
  const { size, root } = openCheckpoint(checkpoint, [parseVerifierKey(identity.verifierKey)]);
  const source = new TileStore(directory, size);
  if (source.root().equals(root)) return source;
  throw new ProtegoError('LOG_TILE_MISMATCH', `the stored hashes do not give the root of ${size} records`, { size });
}

function growthOf(source: TileStore, earlier: Checkpoint, note: string | undefined): Record<string, unknown> {
  if (earlier.size > source.size) {
    const message = `the log has ${source.size} records, the older checkpoint ${earlier.size}`;
    throw new ProtegoError('LOG_TRUNCATED', message, { size: source.size, checkpointSize: earlier.size });
  }
  const proof = makeConsistencyProof(source, earlier.size);
  try {
    const { size, root } = earlier;
    checkConsistency({ firstSize: size, firstRoot: root, secondSize: source.size, secondRoot: source.root() }, proof);
  } catch (cause) {
    const message = `the log has not grown from the older checkpoint of ${earlier.size} records`;
    throw new ProtegoError('LOG_FORKED', message, { checkpointSize: earlier.size }, { cause });
  }
  return { checkpoint: note, proof: proof.map((hash) => hash.toString('base64')) };
}

async function sealKeys(receiver: KeyObject | undefined, keys: readonly Buffer[], bound: Buffer): Promise<Buffer> {
  if (receiver === undefined) return Buffer.alloc(0);
  const plain = Buffer.concat(keys);
  try {
    return await hpkeSeal(receiver, plain, KEYS_INFO, bound);
  } finally {
    plain.fill(0);
  }
}

function manifestOf(options: BundleExportOptions, made: Made): Record<string, unknown> {
  const { identity, name, collected, receiver, checkpoint, eventSeq } = made;
  const { subject: _subject, ...selection } = options.selection;
  return {
    format: BUNDLE_VERSION,
    bundle: name,
    origin: identity.origin,
    logId: identity.logId.toString('hex'),
    verifierKey: identity.verifierKey,
    createdAt: formatRfc3339(options.clock.wallMs()),
    purpose: options.purpose,
    selection: { ...selection, ...(collected.names.size === 0 ? {} : { subjects: [...collected.names].sort() }) },
    records: collected.records,
    ...spanOf(collected),
    keys: collected.keys.length,
    receiver:
      receiver === undefined
        ? null
        : { keyId: receiverKeyId(receiver), publicKey: rawPublicKey(receiver).toString('base64') },
    checkpoint,
    exportSeq: eventSeq,
    ...(options.claim === undefined
      ? {}
      : { claim: options.claim, leaves: Buffer.concat(collected.leafHashes).toString('base64') }),
  };
}

function summaryOf(file: string, bytes: number, made: Made): BundleSummary {
  const { name, collected, receiver, checkpoint, eventSeq } = made;
  return {
    file,
    bundle: name,
    bytes,
    records: collected.records,
    ...spanOf(collected),
    isContiguous: collected.ranges.length === 1,
    keys: collected.keys.length,
    receiver: receiver === undefined ? undefined : receiverKeyId(receiver),
    eventSeq,
    checkpoint,
  };
}
