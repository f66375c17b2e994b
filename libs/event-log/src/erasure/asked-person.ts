import { ProtegoError, isPersonToken, isProtegoError, type ProtegoEvent } from '@protego/contracts';
import { ALIASES_MAX, SLOT_KINDS, readSealedPart, type PersonRef, type PersonalDataVault } from '@protego/enclave';
import type { LogRecord } from '../log-record';
import type { EventLogReader } from '../reader/reader';
import { recordBatches } from '../reader/record-batches';
import type { RecordedErasure } from './erasure-events';

/** Most persons that a refusal lists. */
const LISTED_MAX = 64;
const CLASSES = ['s', 'p'] as const;

/** Whom somebody asks to forget. */
export interface AskedPerson {
  /** Token of the person. */
  readonly token: string;
  /** The person while there are keys. */
  readonly living: PersonRef | undefined;
  /** Erasures of the same person, in the order of the log; at least one where there are no keys. */
  readonly earlier: readonly RecordedErasure[];
  /** Tokens that stand for this person and nobody else. */
  readonly own: readonly string[];
  /** Tokens of names of the person that living others have too. */
  readonly shared: readonly string[];
}

/** Where persons are looked for: in the vault, and among those whom the log says were forgotten. */
export interface PersonSources {
  readonly reader: EventLogReader;
  readonly vault: PersonalDataVault;
  readonly erasures: readonly RecordedErasure[];
}

/**
 * The one person who is meant: by identity or token, else by another name, else by an account without its domain. Who was
 * forgotten comes before anybody who is known less exactly.
 *
 * @throws ProtegoError `PERSON_AMBIGUOUS` when a name is that of several, be some of them forgotten; `PERSON_UNKNOWN`
 */
export async function personAsked(subject: string, sources: PersonSources): Promise<AskedPerson> {
  const living = await livingAs(sources.vault, subject);
  const perhaps = new Set<string>();
  for (const asked of await waysToRead(sources.vault, subject)) {
    const found = living.filter(({ token, aliases }) => [token, ...aliases].some((each) => asked.includes(each)));
    const behind = await keysBehind(asked, sources);
    for (const keyId of behind.perhaps) perhaps.add(keyId);
    const person = meantBy(subject, asked, found, earlierOf(asked, behind.certain, perhaps, sources.erasures));
    if (person === undefined) continue;
    return person.living === undefined ? forgotten(person.earlier, asked, sources) : stillKnown(person);
  }
  throw new ProtegoError('PERSON_UNKNOWN', `no key of \`${subject}\` exists`, { subject });
}

/** Tokens of the persons who can be known by something: an identity, a name, a token. */
export async function livingTokens(vault: PersonalDataVault, subject: string): Promise<string[]> {
  const found = await foundAs(vault, subject);
  return Array.isArray(found) ? found : found === undefined ? [] : [found.token];
}

async function livingAs(vault: PersonalDataVault, subject: string): Promise<PersonRef[]> {
  const found = await foundAs(vault, subject);
  const refs = Array.isArray(found) ? await Promise.all(found.map((token) => vault.find(token))) : [found];
  return refs.filter((ref) => ref !== undefined);
}

/** Who is known by something, or the tokens of those who are where they are several. */
async function foundAs(vault: PersonalDataVault, subject: string): Promise<PersonRef | string[] | undefined> {
  try {
    return await vault.find(subject);
  } catch (error) {
    if (isProtegoError(error) && error.code === 'PERSON_AMBIGUOUS') return error.details['tokens'] as string[];
    throw error;
  }
}

/** Tokens of what was asked, as it stands and, after that, as an account without its domain. */
async function waysToRead(vault: PersonalDataVault, subject: string): Promise<string[][]> {
  if (isPersonToken(subject)) return [[subject]];
  const tokens = await vault.tokensOf(subject);
  const byClass = CLASSES.map((each) => tokens.filter((token) => token.startsWith(`~${each}.`)));
  const nth = (n: number): string[] => byClass.map((ofClass) => ofClass[n]).filter((token) => token !== undefined);
  return [nth(0), nth(1)].filter((asked) => asked.length > 0);
}

interface Meant {
  readonly living: PersonRef | undefined;
  readonly earlier: readonly RecordedErasure[];
}

/** Whom the log says were forgotten. */
interface Earlier {
  /** Those who had what was asked for an identity. */
  readonly sameIdentity: readonly RecordedErasure[];
  /** Those who had it for an identity or a name. */
  readonly known: readonly RecordedErasure[];
  /** Those who may have had it for a name. */
  readonly perhaps: readonly RecordedErasure[];
}

function meantBy(
  subject: string,
  asked: readonly string[],
  found: readonly PersonRef[],
  { sameIdentity, known, perhaps }: Earlier,
): Meant | undefined {
  const identified = found.find(({ token }) => asked.includes(token));
  // A token is no name: it stands for whoever had it as an identity.
  if (identified !== undefined && !isPersonToken(subject)) {
    const living = found.filter((ref) => asked.includes(ref.token)).map(({ token }) => token);
    const persons = [...new Set([identified.token, ...living, ...personsOf(known), ...personsOf(perhaps)])];
    if (persons.length > 1) throw ambiguous(subject, persons);
  }
  if (identified !== undefined) return { living: identified, earlier: sameIdentity };
  if (sameIdentity.length > 0 && (found.length === 0 || isPersonToken(subject)))
    return { living: undefined, earlier: sameIdentity };
  const forgottenAs = sameIdentity.length > 0 ? sameIdentity.slice(0, 1) : known;
  const persons = new Set([...found.map(({ token }) => token), ...personsOf(forgottenAs)]);
  // Only who has keys can be taken for somebody else.
  if (found.length > 0) for (const person of personsOf(perhaps)) persons.add(person);
  if (persons.size > 1) throw ambiguous(subject, [...persons]);
  return persons.size === 0 ? undefined : { living: found[0], earlier: known };
}

function personsOf(erasures: readonly RecordedErasure[]): string[] {
  return erasures.map(({ person }) => person);
}

function ambiguous(subject: string, persons: readonly string[]): ProtegoError {
  const tokens = persons.slice(0, LISTED_MAX);
  const message = `\`${subject}\` is a name of several persons, some of them perhaps forgotten already: ask with the identity or the token of one of them: ${tokens.join(', ')}`;
  return new ProtegoError('PERSON_AMBIGUOUS', message, { subject, tokens });
}

/** The erasures of whoever had one of the tokens: the event says so, or a record in which the token stands. */
function earlierOf(
  asked: readonly string[],
  certain: ReadonlySet<string>,
  perhaps: ReadonlySet<string>,
  erasures: readonly RecordedErasure[],
): Earlier {
  const sameIdentity = erasures.filter(({ person }) => asked.includes(person));
  const isKnown = ({ person, aliases = [], keyIds }: RecordedErasure): boolean =>
    [person, ...aliases].some((token) => asked.includes(token)) || keyIds.some((keyId) => certain.has(keyId));
  const known = erasures.filter(isKnown);
  const others = erasures.filter(({ keyIds }) => keyIds.some((keyId) => perhaps.has(keyId)));
  return { sameIdentity, known, perhaps: others };
}

/** Ids of destroyed keys that fields with some tokens were sealed under. */
interface KeysBehind {
  readonly certain: ReadonlySet<string>;
  /** Keys of several persons that stand in one record, of whom any may have the token. */
  readonly perhaps: ReadonlySet<string>;
}

/** For events that do not say, or not fully, which other names a person had: records in which the tokens stand tell. */
async function keysBehind(asked: readonly string[], { reader, vault, erasures }: PersonSources): Promise<KeysBehind> {
  const found = { certain: new Set<string>(), perhaps: new Set<string>() };
  if (erasures.every(namesAll)) return found;
  const destroyed = new Map(asked.map((token) => [token, keysThatMayHave(token, erasures)]));
  for (const batch of recordBatches(reader.query({ subjects: asked }))) {
    const mayTell = ({ sealed }: LogRecord): boolean =>
      sealed.length > 0 && asked.some((token) => keysIn(sealed, token, destroyed).length > 0);
    const records = batch.filter(mayTell);
    const stored = records.map(({ body, sealed }) => ({ event: JSON.parse(body.toString()) as ProtegoEvent, sealed }));
    const hidden = stored.length === 0 ? [] : await vault.hiddenTokens(stored, asked);
    stored.forEach(({ sealed }, i) => {
      for (const token of hidden[i] as string[]) {
        const keyIds = keysIn(sealed, token, destroyed);
        for (const keyId of keyIds) (keyIds.length === 1 ? found.certain : found.perhaps).add(keyId);
      }
    });
  }
  return found;
}

/** True when the event of an erasure lists every other name that the person had. */
function namesAll({ aliases }: RecordedErasure): boolean {
  return aliases !== undefined && aliases.length < ALIASES_MAX;
}

/** Ids of the keys of those who had a token, or may have had it as far as the events say. */
function keysThatMayHave(token: string, erasures: readonly RecordedErasure[]): Set<string> {
  const persons = erasures.filter((each) => !namesAll(each) || each.person === token || each.aliases?.includes(token));
  return new Set(persons.flatMap(({ keyIds }) => keyIds));
}

/** Ids of the keys in a sealed part that are of the token's class and among those that may have been the token's. */
function keysIn(sealed: Uint8Array, token: string, destroyed: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const kind = token.startsWith('~p.') ? SLOT_KINDS.patient : SLOT_KINDS.staff;
  const slots = readSealedPart(sealed).slots.filter((slot) => slot.kind === kind);
  const keyIds = slots.flatMap((slot) => slot.keyIds.map((keyId) => keyId.toString('hex')));
  return keyIds.filter((keyId) => destroyed.get(token)?.has(keyId));
}

function stillKnown({ living, earlier }: Meant): AskedPerson {
  const { token, aliases, shared } = living as PersonRef;
  const own = [token, ...aliases.filter((alias) => !shared.includes(alias))];
  return { token, living, earlier, own, shared };
}

async function forgotten(
  earlier: readonly RecordedErasure[],
  asked: readonly string[],
  { vault }: PersonSources,
): Promise<AskedPerson> {
  const { person } = earlier.at(-1) as RecordedErasure;
  const persons = new Set(earlier.map((each) => each.person));
  const tokens = [...new Set([...persons, ...earlier.flatMap(({ aliases = [] }) => aliases), ...asked])];
  const others = await Promise.all(tokens.map(async (token) => (await livingTokens(vault, token)).length > 0));
  // The person's own identity stays the person's, even where others have it for a name.
  const isShared = (i: number): boolean => others[i] === true && !persons.has(tokens[i] as string);
  const own = tokens.filter((_, i) => !isShared(i));
  return { token: person, living: undefined, earlier, own, shared: tokens.filter((_, i) => isShared(i)) };
}
