import { MUTE_ALIASES_MAX, ProtegoError, isPersonToken, isProtegoError, type MutedEntity } from '@protego/contracts';
import type { PersonRef, PersonalDataVault } from '@protego/enclave';

/** Kinds of entities that are persons, and how their tokens begin. */
const PERSON_KINDS: ReadonlyMap<string, string> = new Map([
  ['person', '~s.'],
  ['patient', '~p.'],
]);
/** Kinds of entities that are nobody: their ids stand as they are, also where somebody has the same name. */
const MACHINE_KINDS: ReadonlySet<string> = new Set([
  ...['device', 'address', 'host', 'access-point'],
  ...['partner', 'session'],
]);

/** True for kinds of entities whose ids name a machine or an organisation, and nobody. */
export function isMachineKind(kind: string): boolean {
  return MACHINE_KINDS.has(kind);
}

/** Where a person is looked for. */
export type EntityVault = Pick<PersonalDataVault, 'find' | 'tokensOf'>;

/**
 * An entity as detections name it. A person or patient may be asked for by identity, by another name or by token, and is
 * named by all tokens that stand for nobody else; a token that nobody is known by stands for itself.
 *
 * @throws ProtegoError `PERSON_UNKNOWN`, `PERSON_AMBIGUOUS`
 */
export async function mutedEntityOf({ kind, id }: MutedEntity, vault: EntityVault): Promise<MutedEntity> {
  if (isMachineKind(kind)) return { kind, id };
  const mark = PERSON_KINDS.get(kind);
  const tokens = await tokensAsked(id, mark, vault);
  const [first, ...others] = tokens;
  if (first !== undefined) {
    const aliases = others.slice(0, MUTE_ALIASES_MAX);
    return { kind, id: first, ...(aliases.length === 0 ? {} : { aliases }) };
  }
  // A rule may have kinds of its own, of machines too.
  if (isPersonToken(id) || mark === undefined) return { kind, id };
  throw new ProtegoError('PERSON_UNKNOWN', `no ${kind} is known as \`${id}\``, { subject: id });
}

/** Token of whoever is named, whether or not anybody is known by the name. */
export async function actorTokenOf(name: string, vault: EntityVault): Promise<string> {
  if (isPersonToken(name)) return name;
  const token = (await vault.tokensOf(name)).find((each) => each.startsWith('~s.'));
  if (token === undefined) throw new ProtegoError('INTERNAL', 'the vault has no token for a name');
  return token;
}

/** Tokens of the one person who is meant, those of what was asked first; with a mark only such as begin with it. */
async function tokensAsked(id: string, mark: string | undefined, vault: EntityVault): Promise<string[]> {
  const person = await personKnownAs(id, mark, vault);
  if (person === undefined) return [];
  const own = [person.token, ...person.aliases.filter((alias) => !person.shared.includes(alias))];
  const asked = await vault.tokensOf(id);
  const isMeant = (token: string): boolean => mark === undefined || token.startsWith(mark);
  return [...new Set([...asked.filter((token) => own.includes(token)), ...own])].filter(isMeant);
}

async function personKnownAs(id: string, mark: string | undefined, vault: EntityVault): Promise<PersonRef | undefined> {
  try {
    return await vault.find(id);
  } catch (error) {
    if (!isProtegoError(error) || error.code !== 'PERSON_AMBIGUOUS') throw error;
    // One identity may be that of a member of staff and of a patient: the kind says which.
    const tokens = (error.details['tokens'] as readonly string[]).filter((token) => token.startsWith(mark ?? ''));
    const [only, ...others] = tokens;
    if (only === undefined || others.length > 0) throw error;
    return vault.find(only);
  }
}
