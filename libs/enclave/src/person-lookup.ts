import { ProtegoError, isPersonToken } from '@protego/contracts';
import { type Tokeniser } from './identity';
import { type KeyOwner, type KeyRing } from './key-ring';
import { type PersonRef } from './personal-data';

/** Most persons that a refusal lists. */
const LISTED_MAX = 64;
const CLASSES = ['s', 'p'] as const;

/** Finds persons by what somebody calls them. */
export class PersonLookup {
  constructor(
    private readonly ring: KeyRing,
    private readonly tokeniser: Tokeniser,
  ) {}

  /**
   * The person known by an identity, else by another name, else by an account without its domain; or by a token of these.
   *
   * @throws ProtegoError `PERSON_AMBIGUOUS` when a name is that of several persons, or an identity that of staff and of a patient
   */
  find(subject: string): PersonRef | undefined {
    for (const tokens of this.#waysToRead(subject)) {
      const known = this.#knownAs(tokens);
      if (known.length === 0) continue;
      // One identity may be that of a member of staff and of a patient, who need not be the same person.
      if (known.length > 1) throw ambiguous(subject, known);
      return this.#refOf(this.#withAccounts(known));
    }
    return undefined;
  }

  /** Tokens of the subject, and those under which nobody else than the person is known. */
  tokensOf(subject: string): string[] {
    const [plain = [], account = []] = this.#waysToRead(subject);
    const known = this.#knownAs(plain);
    const asked = known.length > 0 ? plain : [...plain, ...account];
    const persons = known.length > 0 ? known : this.#knownAs(account);
    const isOne = persons.length === 1 || persons.some(({ token }) => asked.includes(token));
    if (!isOne) return [...new Set(asked)];
    const { token, aliases, shared } = this.#refOf(this.#withAccounts(persons));
    return [...new Set([...asked, token, ...aliases.filter((alias) => !shared.includes(alias))])];
  }

  /** Tokens of what was asked, one for each class: as it stands, and as an account without its domain. */
  #waysToRead(subject: string): string[][] {
    if (isPersonToken(subject)) return [[subject]];
    const [plain, account] = (['plain', 'account'] as const).map((form) =>
      CLASSES.map((each) => this.tokeniser.identify(each, subject, form).token),
    ) as [string[], string[]];
    return plain[0] === account[0] ? [plain] : [plain, account];
  }

  /** Whoever has one of the tokens as an identity; else those who have one as another name. */
  #knownAs(tokens: readonly string[]): KeyOwner[] {
    const identified = tokens.map((token) => this.ring.byToken(token)).filter((owner) => owner !== undefined);
    if (identified.length > 0) return identified;
    return [...new Set(tokens.flatMap((token) => this.ring.byAlias(token)))];
  }

  /** With everybody who is the same person because a declared account, which nobody else has, leads there. */
  #withAccounts(owners: readonly KeyOwner[]): KeyOwner[] {
    const persons = new Set(owners);
    // A set is walked through with what is added meanwhile.
    for (const owner of persons) {
      for (const token of this.ring.accountsOf(owner)) {
        const account = this.ring.byToken(token);
        if (account !== undefined && this.ring.byAlias(token).length === 1) persons.add(account);
      }
      const [holder, ...others] = this.ring.byAlias(owner.token);
      if (holder === undefined || others.length > 0) continue;
      if (this.ring.accountsOf(holder).has(owner.token)) persons.add(holder);
    }
    return [...persons];
  }

  #refOf(owners: readonly KeyOwner[]): PersonRef {
    const token = (owners[0] as KeyOwner).token;
    const aliases = new Set(owners.flatMap((owner) => [owner.token, ...owner.aliasTokens]));
    aliases.delete(token);
    const isOthers = (alias: string): boolean => {
      const identified = this.ring.byToken(alias);
      const known = identified === undefined ? this.ring.byAlias(alias) : [identified, ...this.ring.byAlias(alias)];
      return known.some((owner) => !owners.includes(owner));
    };
    const keyIds = owners.map(({ keyId }) => keyId.toString('hex'));
    return { token, keyIds, aliases: [...aliases], shared: [...aliases].filter(isOthers) };
  }
}

function ambiguous(subject: string, persons: readonly KeyOwner[]): ProtegoError {
  const tokens = persons.slice(0, LISTED_MAX).map(({ token }) => token);
  const message = `\`${subject}\` is a name of several persons: ask with the identity or the token of one of them: ${tokens.join(', ')}`;
  return new ProtegoError('PERSON_AMBIGUOUS', message, { subject, tokens });
}
