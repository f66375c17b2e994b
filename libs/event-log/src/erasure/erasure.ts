import {
  canonicalJson,
  ProtegoError,
  formatRfc3339,
  isPersonToken,
  type EventSeq,
  type ProtegoEvent,
} from '@protego/contracts';
import { createHash, randomBytes } from 'node:crypto';
import { ALIASES_MAX, NAMES_MAX, NameSearch, type LogKeys, type PersonalDataVault } from '@protego/enclave';
import { eraseFromBackups, type BackupReach } from '../backup/backup-erasure';
import { registeredBackups } from '../backup/backup-registry';
import { openCheckpoint } from '../tree/checkpoint';
import { livingTokens, personAsked, type AskedPerson } from './asked-person';
import type { CopyOutOfReach } from './copy-out-of-reach';
import type { LogAuthority } from '../evidence/log-authority';
import { signedTextOf } from '../evidence/standalone/verify-bundle';
import { readIdentity } from '../log-identity';
import { erasuresIn, keysOf, type RecordedErasure } from './erasure-events';
import { scanTexts, surveyFields, type AffectedRecords, type AffectedSeqs, type TextsFound } from './erasure-scan';
import { makeRangeProof } from '../tree/range-proof';
import type { EventLogReader } from '../reader/reader';
import { removeSnapshots } from '../snapshots/snapshot-files';
import { refusedNaming } from '../refused-records';
import { parseVerifierKey } from '../tree/signed-note';
import { TileStore } from '../tree/tile-store';

/** Version of the receipt that this code writes. */
export const RECEIPT_VERSION = 1;

const COPIES_MAX = 10_000;
/** Other names that an event lists: an event is small, and one name is found through records too. */
const ALIASES_RECORDED_MAX = 1_024;
const REASON_CHARACTERS_MAX = 1_000;

/** Whose keys are destroyed, and why; the vault is written over the copies that reachable backups hold. */
export interface ErasureOptions extends BackupReach {
  /** Opened with `subjectsOf`. */
  readonly reader: EventLogReader;
  readonly keys: LogKeys;
  readonly vault: PersonalDataVault;
  readonly authority: LogAuthority;
  /** The person: identity, token, or a name that nobody else has. */
  readonly subject: string;
  /** Why. It stands in the log for ever, in clear: it must not name the person. */
  readonly reason: string;
  /**
   * Finds copies that the caller knows of, such as streams of the message bus, once the keys are destroyed. Files of refused
   * records in the directory of the log are found without it.
   */
  readonly findCopies?: (search: NameSearch) => Promise<readonly CopyOutOfReach[]>;
  /**
   * False leaves out the pass over the whole log, and over what was refused, that finds texts in which a name still stands;
   * then only records that name the person in a field are counted. Default true.
   */
  readonly searchesTexts?: boolean;
}

/** What a receipt says. Nothing in it names the person but the token. */
export interface ReceiptContent {
  readonly format: number;
  readonly origin: string;
  /** 32 hexadecimal digits. */
  readonly logId: string;
  readonly verifierKey: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Token of the person. */
  readonly person: string;
  readonly keyIds: readonly string[];
  readonly reason: string;
  /** Seq of the `log.erased` event. */
  readonly seq: number;
  /** Leaf data of the event, base64. */
  readonly leaf: string;
  /** Range proof of the leaf, base64 of each hash. */
  readonly proof: readonly string[];
  /** Signed checkpoint that the proof leads to. */
  readonly checkpoint: string;
  readonly affected: AffectedRecords;
  /** Texts that can still be read and hold a name of the person; null when they were not searched for. */
  readonly texts: TextsFound | null;
  /** Locations of backups in which the keys were destroyed as well. */
  readonly backupsErased: readonly string[];
  readonly outOfReach: readonly CopyOutOfReach[];
  /**
   * Tokens of others who are known by one of the person's names, such as an account: whether they are the same person is
   * for people to say, and to ask for.
   */
  readonly namesakes: readonly string[];
}

/** A signed receipt. */
export interface ErasureReceipt {
  readonly content: ReceiptContent;
  /** The receipt as it is handed out: one line of canonical JSON, `receipt` and `signature`. */
  readonly text: string;
}

/**
 * Forgets a person. The event comes first and is durable; then the keys are destroyed, here and in every backup within
 * reach; `applyErasures` on the next start destroys what was left here. Of a person who was forgotten already no second
 * event is written: what was cut off is done, texts are searched anew, and the receipt is of the event there is. The receipt
 * is signed with the key of the log.
 *
 * @throws ProtegoError `PERSON_UNKNOWN` when no key of such a person exists and none was destroyed; `PERSON_AMBIGUOUS` when a
 *   name is that of several; `USAGE_INVALID` for a reason that is empty, too long, or names the person; `BACKUP_INVALID` when
 *   the list of backups is damaged; errors of reading and writing the log
 */
export async function eraseSubject(options: ErasureOptions): Promise<ErasureReceipt> {
  const { directory, reader, vault, subject } = options;
  const all = [...erasuresIn(reader)];
  const asked = await personAsked(subject, { reader, vault, erasures: all });
  const { own, shared } = asked;
  const { names, affected } = await surveyFields(reader, vault, { own, shared });
  const search = new NameSearch([...names, ...(isPersonToken(subject) ? [] : [subject])]);
  checkReason(options.reason, search);
  const namesakes = await namesakesOf(vault, asked, isPersonToken(subject) ? names : [...names, subject]);
  // A list of backups that cannot be read must be found out while nothing has happened yet.
  registeredBackups(directory);
  const erasure = await recorded(options, asked);
  const { person, keyIds, reason, seq } = erasure;
  await vault.destroy(keyIds);
  removeSnapshots(directory);
  // Others that were cut off may not have come to the backups.
  const backups = await eraseFromBackups(options, keysOf([...all, erasure]));
  const isSearching = options.searchesTexts !== false;
  const scan = isSearching
    ? await scanTexts(reader, vault, { keyIds, tokens: own, search })
    : { affected, texts: null };
  const bundles = exportsOf(reader, scan.affected);
  const others = isSearching ? await copiesNaming(options, search) : [];
  const outOfReach = [...namesLeftOut(erasure, names.size), ...bundles, ...others, ...backups.outOfReach];
  return receiptOf(options, {
    ...{ person, keyIds, reason, seq, texts: scan.texts, outOfReach: outOfReach.slice(0, COPIES_MAX) },
    affected: scan.affected.summary(),
    backupsErased: backups.erased,
    namesakes: namesakes.slice(0, COPIES_MAX),
  });
}

/** Tokens of others who have one of the names, or are known by one of the tokens. */
async function namesakesOf(
  vault: PersonalDataVault,
  { own, shared }: AskedPerson,
  names: Iterable<string>,
): Promise<string[]> {
  const sharing = await Promise.all(shared.map((token) => livingTokens(vault, token)));
  const tokens = new Set([...(await vault.namesakesOf([...names])), ...sharing.flat()]);
  return [...tokens].filter((token) => !own.includes(token));
}

/** The event of an erasure: a new one while there are keys, else the latest there is. */
async function recorded(
  { authority, reason }: ErasureOptions,
  { living, earlier }: AskedPerson,
): Promise<RecordedErasure> {
  if (living === undefined) return earlier.at(-1) as RecordedErasure;
  const { token: person, keyIds } = living;
  const aliases = living.aliases.slice(0, ALIASES_RECORDED_MAX);
  const id = `erased-${randomBytes(16).toString('hex')}`;
  const seq = await authority.append('log.erased', id, { person, keyIds: [...keyIds], aliases, reason });
  return { person, keyIds, aliases, reason, seq };
}

/** Beyond a bound names were neither sealed in texts nor are they looked for now. */
function namesLeftOut({ aliases = [] }: RecordedErasure, names: number): CopyOutOfReach[] {
  if (aliases.length < ALIASES_MAX && names < NAMES_MAX) return [];
  const note = `the person has ${ALIASES_MAX} names or more: texts that hold a further one were not sealed for it, and were not searched for it`;
  return [{ kind: 'other', name: 'texts', note }];
}

function checkReason(reason: string, search: NameSearch): void {
  if (reason.trim() === '' || reason.length > REASON_CHARACTERS_MAX || !reason.isWellFormed()) {
    throw new ProtegoError('USAGE_INVALID', `a reason of 1 to ${REASON_CHARACTERS_MAX} characters is needed`);
  }
  if (search.isIn(reason)) throw new ProtegoError('USAGE_INVALID', 'the reason names the person: it stays for ever');
}

function exportsOf(reader: EventLogReader, affected: AffectedSeqs): CopyOutOfReach[] {
  const copies: CopyOutOfReach[] = [];
  for (const { seq, body } of reader.query({ types: ['log.exported'] })) {
    const { data } = JSON.parse(body.toString('utf8')) as ProtegoEvent;
    const { bundle, fromSeq, toSeq, receiver } = data as { [name: string]: string | number | undefined };
    if (!affected.hasWithin(Number(fromSeq), Number(toSeq)) || copies.length === COPIES_MAX) continue;
    const holder = receiver === undefined ? 'without record keys' : `with record keys for \`${receiver}\``;
    copies.push({
      kind: 'bundle',
      name: String(bundle),
      note: `exported at seq ${seq}, ${holder}: ask for its deletion`,
    });
  }
  return copies;
}

async function copiesNaming(
  { directory, vault, findCopies }: ErasureOptions,
  search: NameSearch,
): Promise<readonly CopyOutOfReach[]> {
  const refused = await refusedNaming(directory, vault, search);
  return findCopies === undefined ? refused : [...refused, ...(await findCopies(search))];
}

type ReceiptFacts = Pick<
  ReceiptContent,
  'person' | 'keyIds' | 'reason' | 'texts' | 'outOfReach' | 'affected' | 'backupsErased' | 'namesakes'
> & { readonly seq: EventSeq };

async function receiptOf(options: ErasureOptions, facts: ReceiptFacts): Promise<ErasureReceipt> {
  const { directory, reader, keys, authority, clock } = options;
  const { origin, logId, verifierKey } = readIdentity(directory);
  const checkpoint = await authority.checkpoint();
  const { size } = openCheckpoint(checkpoint, [parseVerifierKey(verifierKey)]);
  const record = reader.recordAt(facts.seq);
  if (record === undefined) throw new ProtegoError('LOG_RANGE_MISSING', `record ${facts.seq} cannot be read back`);
  const proof = makeRangeProof(new TileStore(directory, size), [{ begin: facts.seq, end: facts.seq + 1 }]);
  const content: ReceiptContent = {
    format: RECEIPT_VERSION,
    origin,
    logId: logId.toString('hex'),
    verifierKey,
    createdAt: formatRfc3339(clock.wallMs()),
    ...facts,
    leaf: record.leaf.toString('base64'),
    proof: proof.map((hash) => hash.toString('base64')),
    checkpoint,
  };
  const hash = createHash('sha256').update(canonicalJson(content)).digest();
  const signature = (await keys.signer.sign(signedTextOf('erasure-receipt', hash))).toString('base64');
  return { content, text: `${canonicalJson({ receipt: content, signature })}\n` };
}
