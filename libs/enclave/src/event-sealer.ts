import {
  ProtegoError,
  canonicalJson,
  parseRfc3339Ms,
  subjectsOfEvent,
  type FieldClasses,
  type FieldPlan,
  type ProtegoEvent,
} from '@protego/contracts';
import { type Identity, type Tokeniser } from './identity';
import { type AppendSlot, type KeyOwner, type KeyRing } from './key-ring';
import { type SealedEvent } from './personal-data';
import {
  collectPersonalFields,
  valueAt,
  withReplacements,
  type PersonalField,
  type PersonalFields,
  type Replacement,
} from './personal-fields';
import { TEXT_SEPARATOR, addTextPseudonyms, hiddenKeyOf, searchTextsOf, textPlaceholderOf } from './placeholders';
import { SLOT_KINDS, paddedPlaintext, sealSlots, type SlotInput } from './sealed-part';
import { blake2b } from './sodium';

/** Most bytes of a stored body; placeholders may be longer than what they stand for. */
const BODY_BYTES_MAX = 65_536;
const CONTENT_HASH_BYTES = 8;
const LENGTH_BYTES = 4;
/** Longer text is no part of a name. */
const NAME_PART_CHARACTERS_MAX = 64;
/** Where the seconds of an RFC 3339 time begin. */
const SECOND_AT = 17;
const NO_BYTES = Buffer.alloc(0);
const NO_PSEUDONYMS: ReadonlyMap<string, string> = new Map();

/** What is said of one event while it is sealed. */
interface Draft {
  readonly event: ProtegoEvent;
  readonly stored: Replacement[];
  readonly forPipeline: Replacement[];
  readonly pseudonyms: Map<string, string>;
  readonly slots: SlotInput[];
  /** What the content hash covers beside the body: plaintexts, and secrets that go when their keys go. */
  readonly content: Buffer[];
}

/** Free texts of an event that name the same persons: they are sealed together, because they can be read together. */
interface TextGroup {
  /** By key id. */
  readonly owners: readonly KeyOwner[];
  readonly entries: string[];
}

/** Name under which the key of a source and month is kept. */
export function monthNameOf(source: string, timeMs: number): string {
  return `${source}/${new Date(timeMs).toISOString().slice(0, -17)}`;
}

/** Takes the personal fields out of events. */
export class EventSealer {
  readonly #contentKey: Buffer;
  #scratch: Buffer = Buffer.alloc(4096);

  /** @param contentKey 32 bytes, for content hashes */
  constructor(
    private readonly fields: FieldClasses,
    private readonly tokeniser: Tokeniser,
    private readonly ring: KeyRing,
    contentKey: Buffer,
    private readonly append: AppendSlot,
  ) {
    this.#contentKey = contentKey;
  }

  /**
   * Seals an event.
   *
   * @throws ProtegoError `VAULT_FULL`; `EVENT_TOO_LARGE` when body or sealed part outgrow a record; what
   *   {@link canonicalJson} throws
   */
  seal(event: ProtegoEvent): SealedEvent {
    const plan = this.fields.planOf(event.type);
    const personal = plan === undefined ? undefined : collectPersonalFields(event, plan, this.fields);
    if (plan === undefined || personal === undefined || personal.identities.length + personal.texts.length === 0)
      return this.#finish(event, event, NO_BYTES, [], NO_PSEUDONYMS);
    const draft: Draft = { event, stored: [], forPipeline: [], pseudonyms: new Map(), slots: [], content: [] };
    // Persons first: whoever is named in a field is known when the texts are searched.
    const persons = this.#groupByPerson(personal.identities, draft, plan);
    this.#sealPersons(persons, draft);
    if (personal.texts.length > 0) this.#sealTexts(personal, draft);
    this.#noteStaff(personal.identities, draft);
    const sealed = sealSlots(draft.slots);
    const stored = withReplacements(event, draft.stored);
    const forPipeline = withReplacements(event, draft.forPipeline);
    return this.#finish(stored, forPipeline, sealed, draft.content, draft.pseudonyms);
  }

  /** Wipes the key. */
  close(): void {
    this.#contentKey.fill(0);
    this.#scratch.fill(0);
  }

  #groupByPerson(identities: readonly PersonalField[], draft: Draft, plan: FieldPlan): Map<KeyOwner, PersonalField[]> {
    const persons = new Map<KeyOwner, PersonalField[]>();
    for (const field of identities) {
      const own = this.#identify(field);
      const owner = this.#personOf(field, own, draft.event, plan);
      const replacement = { path: field.path, value: own.token };
      draft.stored.push(replacement);
      if (owner.tokenClass === 'p') draft.forPipeline.push(replacement);
      const fields = persons.get(owner);
      if (fields === undefined) persons.set(owner, [field]);
      else fields.push(field);
    }
    return persons;
  }

  #identify({ value, rule }: PersonalField): Identity {
    return this.tokeniser.identify(rule?.class === 'patient' ? 'p' : 's', String(value), rule?.form ?? 'plain');
  }

  /** Whose key seals a field: that of the person at another field, where the declarations say so and there is one. */
  #personOf({ rule }: PersonalField, own: Identity, event: ProtegoEvent, plan: FieldPlan): KeyOwner {
    const tokenClass = rule?.class === 'patient' ? 'p' : 's';
    const value = rule?.person === undefined ? undefined : valueAt(event, rule.person);
    const isPerson = (typeof value === 'string' || typeof value === 'number') && String(value).trim() !== '';
    if (rule?.person === undefined || !isPerson || this.fields.isWellKnownAccount(String(value)))
      return this.ring.ownerOf(tokenClass, own, this.append);
    const identity = this.tokeniser.identify(tokenClass, String(value), formAt(plan, rule.person));
    const owner = this.ring.ownerOf(tokenClass, identity, this.append);
    this.ring.addAlias(owner, own, rule.inText, this.append);
    return owner;
  }

  #sealPersons(persons: ReadonlyMap<KeyOwner, readonly PersonalField[]>, draft: Draft): void {
    for (const [owner, fields] of persons) {
      const kind = owner.tokenClass === 'p' ? SLOT_KINDS.patient : SLOT_KINDS.staff;
      const plaintext = plaintextOf(fields.map((field) => entryOf(field)));
      draft.slots.push({ kind, owners: [owner], plaintext });
      draft.content.push(plaintext, owner.contentSecret);
    }
  }

  #sealTexts({ texts }: PersonalFields, draft: Draft): void {
    const entries: string[] = [];
    const nobodys: string[] = [];
    const groups = new Map<string, TextGroup>();
    const persons = this.#personsInTexts(texts);
    texts.forEach((field, ordinal) => {
      const entry = entryOf(field, ordinal);
      entries.push(entry);
      placeText(field, ordinal, draft);
      const found = persons[ordinal] as ReadonlySet<KeyOwner>;
      if (found.size === 0) nobodys.push(entry);
      else addToGroup(groups, found, entry);
    });
    for (const { owners, entries: named } of groups.values())
      draft.slots.push({ kind: SLOT_KINDS.text, owners, plaintext: plaintextOf(named) });
    const { source, time } = draft.event;
    const month = this.#monthOf(source, time);
    // Which persons are known by now may differ when the same event comes again; the month does not.
    const all = plaintextOf(entries);
    draft.content.push(all, month.contentSecret);
    if (nobodys.length === 0) return;
    const plaintext = nobodys.length === entries.length ? all : plaintextOf(nobodys);
    draft.slots.push({ kind: SLOT_KINDS.text, owners: [month], plaintext });
  }

  #monthOf(source: string, time: string): KeyOwner {
    // In UTC, as nearly always, the text begins with the month; but for a leap second, which is of the next one.
    const isMonthFirst = time.endsWith('Z') && time.charAt(SECOND_AT) !== '6';
    const name = isMonthFirst ? `${source}/${time.slice(0, 7)}` : monthNameOf(source, parseRfc3339Ms(time) ?? 0);
    return this.ring.ownerOf('m', this.tokeniser.identify('m', name, 'plain'), this.append);
  }

  /** Whose names stand in each of some texts, or in neighbours of them together. */
  #personsInTexts(texts: readonly PersonalField[]): Set<KeyOwner>[] {
    const persons = texts.map(({ value, path, isUndeclared }) => {
      const found = new Set<KeyOwner>();
      if (isUndeclared) this.ring.searchNames(path.at(-1) as string, found);
      for (const text of searchTextsOf(value)) this.ring.searchNames(text, found);
      return found;
    });
    // First name here, last name there: both fields are short. Whoever is found only so may be in any of them.
    const short = texts.flatMap(({ value }, i) => (isShort(value) ? [i] : []));
    if (short.length < 2) return persons;
    const together = new Set<KeyOwner>();
    const joined = short.map((i) => String((texts[i] as PersonalField).value)).join(TEXT_SEPARATOR);
    this.ring.searchNames(joined, together);
    for (const owner of together) {
      if (persons.some((found) => found.has(owner))) continue;
      for (const i of short) persons[i]?.add(owner);
    }
    return persons;
  }

  /** After the texts: what is a name as well as a text goes by the name's pseudonym. */
  #noteStaff(identities: readonly PersonalField[], { pseudonyms }: Draft): void {
    for (const field of identities) {
      if (field.rule?.class === 'staff') pseudonyms.set(String(field.value), this.#identify(field).token);
    }
  }

  #finish(
    stored: ProtegoEvent,
    pipelineEvent: ProtegoEvent,
    sealed: Buffer,
    content: readonly Buffer[],
    pseudonyms: ReadonlyMap<string, string>,
  ): SealedEvent {
    const body = Buffer.from(canonicalJson(stored));
    if (body.length > BODY_BYTES_MAX) {
      const message = `the event takes \`${body.length}\` bytes with its personal fields replaced`;
      throw new ProtegoError('EVENT_TOO_LARGE', message, { bytes: body.length, bytesMax: BODY_BYTES_MAX });
    }
    const contentHash = this.#contentHash(body, content);
    return { body, sealed, subjects: subjectsOfEvent(stored), contentHash, pseudonyms, pipelineEvent };
  }

  /** Keyed BLAKE2b-64 over body, plaintexts and secrets, each after its length (u32). */
  #contentHash(body: Buffer, content: readonly Buffer[]): Buffer {
    let bytes = LENGTH_BYTES + body.length;
    for (const part of content) bytes += LENGTH_BYTES + part.length;
    if (bytes > this.#scratch.length) this.#scratch = Buffer.alloc(bytes * 2);
    let at = this.#scratch.writeUInt32BE(body.length, 0);
    at += body.copy(this.#scratch, at);
    for (const part of content) {
      at = this.#scratch.writeUInt32BE(part.length, at);
      at += part.copy(this.#scratch, at);
    }
    // 16 bytes are the least that BLAKE2b makes here; the first 8 are kept.
    const digest = Buffer.allocUnsafe(2 * CONTENT_HASH_BYTES);
    blake2b(digest, this.#scratch.subarray(0, at), this.#contentKey);
    if (content.length > 0) this.#scratch.fill(0, 0, at);
    return digest.subarray(0, CONTENT_HASH_BYTES);
  }
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' && value.length <= NAME_PART_CHARACTERS_MAX;
}

function placeText({ path, value, isUndeclared }: PersonalField, ordinal: number, draft: Draft): void {
  const placeholder = textPlaceholderOf(ordinal);
  const name = path.at(-1) as string;
  const replacement = isUndeclared
    ? { path: [...path.slice(0, -1), hiddenKeyOf(ordinal)], value: placeholder, instead: name }
    : { path, value: placeholder };
  draft.stored.push(replacement);
  addTextPseudonyms(draft.pseudonyms, value, placeholder);
}

function addToGroup(groups: Map<string, TextGroup>, persons: ReadonlySet<KeyOwner>, entry: string): void {
  const owners = [...persons];
  if (owners.length > 1) owners.sort((a, b) => a.keyId.compare(b.keyId));
  const name = owners.map(({ keyId }) => keyId.toString('latin1')).join('');
  const group = groups.get(name);
  if (group === undefined) groups.set(name, { owners, entries: [entry] });
  else group.entries.push(entry);
}

/** `[pointer, value]`, and the ordinal of the placeholder where the name of the field is hidden too. */
function entryOf({ pointer, value, isUndeclared }: PersonalField, ordinal?: number): string {
  const hidden = isUndeclared ? `,${ordinal}` : '';
  return `[${canonicalJson(pointer)},${canonicalJson(value)}${hidden}]`;
}

function plaintextOf(entries: readonly string[]): Buffer {
  return paddedPlaintext(`[${entries.join(',')}]`);
}

function formAt(plan: FieldPlan, path: readonly string[]): 'plain' | 'account' {
  let node: FieldPlan | undefined = plan;
  for (const key of path) node = node?.members.get(key) ?? node?.others;
  return node?.rule?.form ?? 'plain';
}
