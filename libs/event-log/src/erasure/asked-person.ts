import { ProtegoError, isPersonToken, isProtegoError } from '@protego/contracts';
import { SLOT_KINDS, readSealedPart, type PersonRef, type PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '../reader/reader';
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
  for (const asked of await waysToRead(sources.vault, subject)) {
    const found = living.filter(({ token, aliases }) => [token, ...aliases].some((each) => asked.includes(each)));
    const person = meantBy(subject, asked, found, earlierOf(asked, found, sources));
    if (person === undefined) continue;
    return person.living === undefined ? forgotten(person.earlier, asked, sources) : stillKnown(person);
  }
  throw new ProtegoError('PERSON_UNKNOWN', `no key of \`${subject}\` exists`, { subject });
}

/** Tokens of the persons who can be known by something: an identity, a name, a token. */
export async function livingTokens(vault: PersonalDataVault, subject: string): Promise<string[]> {
  try {
    const ref = await vault.find(subject);
    return ref === undefined ? [] : [ref.token];
  } catch (error) {
    if (isProtegoError(error) && error.code === 'PERSON_AMBIGUOUS') return error.details['tokens'] as string[];
    throw error;
  }
}

async function livingAs(vault: PersonalDataVault, subject: string): Promise<PersonRef[]> {
  try {
    const ref = await vault.find(subject);
    return ref === undefined ? [] : [ref];
  } catch (error) {
    if (!isProtegoError(error) || error.code !== 'PERSON_AMBIGUOUS') throw error;
    const tokens = error.details['tokens'] as string[];
    return (await Promise.all(tokens.map((token) => vault.find(token)))).filter((ref) => ref !== undefined);
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

function meantBy(
  subject: string,
  asked: readonly string[],
  found: readonly PersonRef[],
  earlier: readonly RecordedErasure[],
): Meant | undefined {
  const identified = found.find(({ token }) => asked.includes(token));
  const sameIdentity = earlier.filter(({ person }) => asked.includes(person));
  if (identified !== undefined) {
    const others = sameIdentity.filter(({ person }) => person !== identified.token).map(({ person }) => person);
    const living = found.filter((ref) => ref !== identified && asked.includes(ref.token)).map(({ token }) => token);
    if (others.length + living.length > 0) throw ambiguous(subject, [identified.token, ...living, ...others]);
    return { living: identified, earlier: sameIdentity };
  }
  // A token is no name: it stands for whoever had it as an identity.
  if (sameIdentity.length > 0 && (found.length === 0 || isPersonToken(subject)))
    return { living: undefined, earlier: sameIdentity };
  const forgottenAs = sameIdentity.length > 0 ? sameIdentity.slice(0, 1) : earlier;
  const persons = [...new Set([...found.map(({ token }) => token), ...forgottenAs.map(({ person }) => person)])];
  if (persons.length > 1) throw ambiguous(subject, persons);
  return persons.length === 0 ? undefined : { living: found[0], earlier };
}

function ambiguous(subject: string, persons: readonly string[]): ProtegoError {
  const tokens = persons.slice(0, LISTED_MAX);
  const message = `\`${subject}\` is a name of several persons, some of them perhaps forgotten already: ask with the identity or the token of one of them: ${tokens.join(', ')}`;
  return new ProtegoError('PERSON_AMBIGUOUS', message, { subject, tokens });
}

/**
 * The erasures of whoever had one of the tokens: the event says so, or a record in which the token stands. Of a living identity
 * only those under the very token.
 */
function earlierOf(asked: readonly string[], found: readonly PersonRef[], sources: PersonSources): RecordedErasure[] {
  const { erasures } = sources;
  if (erasures.length === 0) return [];
  const isIdentified = found.some(({ token }) => asked.includes(token));
  if (isIdentified) return erasures.filter(({ person }) => asked.includes(person));
  const byRecords = keysBehind(asked, sources);
  return erasures.filter(
    ({ person, aliases = [], keyIds }) =>
      [person, ...aliases].some((token) => asked.includes(token)) || keyIds.some((keyId) => byRecords.has(keyId)),
  );
}

/**
 * Ids of the keys that a token's fields were sealed under, for events that do not say which other names a person had. A
 * record that has several persons of the class does not tell which of the keys is the token's.
 */
function keysBehind(asked: readonly string[], { reader, erasures }: PersonSources): Set<string> {
  const destroyed = new Set(erasures.flatMap(({ keyIds }) => keyIds));
  const found = new Set<string>();
  for (const { body, sealed } of reader.query({ subjects: asked })) {
    if (sealed.length === 0) continue;
    const { slots } = readSealedPart(sealed);
    for (const token of asked) {
      const kind = token.startsWith('~p.') ? SLOT_KINDS.patient : SLOT_KINDS.staff;
      const [slot, ...others] = slots.filter((each) => each.kind === kind);
      if (slot === undefined || others.length > 0 || !body.includes(token)) continue;
      const keyIds = slot.keyIds.map((keyId) => keyId.toString('hex'));
      for (const keyId of keyIds) if (destroyed.has(keyId)) found.add(keyId);
    }
  }
  return found;
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
