import { Buffer } from 'node:buffer';
import {
  ProtegoError,
  canonicalJson,
  parseRfc3339Ms,
  subjectsOfEvent,
  type FieldClasses,
  type FieldPlan,
  type ProtegoEvent,
} from '@protego/contracts';
import { valueAt, withReplacements, type Replacement } from './event-paths';
import { personalFieldsOf, subjectsOfShaped, writeShaped, type EventShape } from './event-shape';
import { KnownMessage } from './admission/known-messages';
import { type Identity, type Tokeniser } from './identity';
import { JsonBytes } from './json-bytes';
import { KeyOwner, type AppendSlot, type KeyRing } from './key-ring';
import { KnownShapes } from './known-shapes';
import { addNamesAcross } from './names-across-fields';
import { type SealedEvent } from './personal-data';
import { collectPersonalFields, type PersonalField, type PersonalFields } from './personal-fields';
import { hiddenKeyOf, searchTextsOf, textPlaceholderOf } from './placeholders';
import { PLAINTEXT_BLOCK_BYTES, SLOT_KINDS, paddedPlaintext, sealSlots, type SlotInput } from './sealed-part';
import { StoredEvent } from './sealed-event';
import { blake2b } from './sodium';

/** Most bytes of a stored body; placeholders may be longer than what they stand for. */
const BODY_BYTES_MAX = 65_536;
const CONTENT_HASH_BYTES = 8;
const LENGTH_BYTES = 4;
/** Most persons of an event that are told apart one by one. */
const FEW_PERSONS = 8;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const COMMA = 0x2c;
/** Where the seconds of an RFC 3339 time begin. */
const SECOND_AT = 17;
const NO_BYTES = Buffer.alloc(0);

/** What is said of one event while it is sealed. */
interface Draft {
  /** The event, or the message in which it was not looked for by a parser. */
  readonly of: ProtegoEvent | KnownMessage;
  readonly shape: EventShape | undefined;
  /** Values by the places of the shape, to be replaced there; of no use without a shape. */
  readonly values: unknown[];
  /** What goes into the stored event, where it has no shape. */
  readonly stored: Replacement[];
  readonly slots: SlotInput[];
  /** What the content hash covers beside the body: plaintexts, and the secrets of owners, which go when their keys go. */
  readonly content: (Buffer | KeyOwner)[];
}

/** Fields of one person. */
interface PersonGroup {
  readonly owner: KeyOwner;
  readonly fields: PersonalField[];
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
  readonly #shapes = new KnownShapes();
  readonly #content = new JsonBytes('guarded');
  readonly #plaintext = new JsonBytes();
  /** 16 bytes are the least that BLAKE2b makes here; the first 8 are kept. */
  readonly #digest = Buffer.alloc(2 * CONTENT_HASH_BYTES);

  /** @param contentKey 32 bytes in guarded memory, for content hashes; not copied */
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
    try {
      if (plan === undefined) return this.#finish(draftOf(event, undefined, []));
      const shape = this.#shapes.match(event, plan);
      const { values } = this.#shapes;
      const personal =
        shape === undefined
          ? collectPersonalFields(event, plan, this.fields)
          : personalFieldsOf(shape, values, this.fields);
      return this.#sealFields(draftOf(event, shape, values), personal, plan);
    } finally {
      this.#shapes.forget();
      this.#content.wipe();
    }
  }

  /**
   * Seals the event of a message of a known kind.
   *
   * @throws ProtegoError as {@link seal}
   */
  sealMessage(message: KnownMessage): SealedEvent {
    const { kind, values } = message;
    try {
      const personal = personalFieldsOf(kind.shape, values, this.fields);
      return this.#sealFields(draftOf(message, kind.shape, values), personal, kind.plan);
    } finally {
      this.#content.wipe();
    }
  }

  /** Wipes what events left, and gives the memory back. */
  close(): void {
    this.#content.close();
  }

  #sealFields(draft: Draft, personal: PersonalFields, plan: FieldPlan): SealedEvent {
    // Persons first: whoever is named in a field is known when the texts are searched.
    if (personal.identities.length > 0) this.#sealPersons(this.#groupByPerson(personal.identities, draft, plan), draft);
    if (personal.texts.length > 0) this.#sealTexts(personal, draft);
    return this.#finish(draft);
  }

  #groupByPerson(identities: readonly PersonalField[], draft: Draft, plan: FieldPlan): readonly PersonGroup[] {
    const groups: PersonGroup[] = [];
    const byOwner = identities.length > FEW_PERSONS ? new Map<KeyOwner, PersonGroup>() : undefined;
    for (const field of identities) {
      const own = this.#identify(field);
      const owner = this.#personOf(field, own, draft, plan);
      placeIn(draft, field, own.token);
      const known = byOwner === undefined ? groups.find((group) => group.owner === owner) : byOwner.get(owner);
      if (known !== undefined) {
        known.fields.push(field);
        continue;
      }
      const group = { owner, fields: [field] };
      groups.push(group);
      byOwner?.set(owner, group);
    }
    return groups;
  }

  #identify({ value, rule }: PersonalField): Identity {
    return this.tokeniser.identify(rule?.class === 'patient' ? 'p' : 's', String(value), rule?.form ?? 'plain');
  }

  /** Whose key seals a field: that of the person at another field, where the declarations say so and there is one. */
  #personOf(field: PersonalField, own: Identity, draft: Draft, plan: FieldPlan): KeyOwner {
    const { rule } = field;
    const tokenClass = rule?.class === 'patient' ? 'p' : 's';
    const value = personValueOf(field, draft);
    const isPerson = (typeof value === 'string' || typeof value === 'number') && String(value).trim() !== '';
    if (rule?.person === undefined || !isPerson || this.fields.isWellKnownAccount(String(value)))
      return this.ring.ownerOf(tokenClass, own, this.append);
    const identity = this.tokeniser.identify(tokenClass, String(value), formAt(plan, rule.person));
    const owner = this.ring.ownerOf(tokenClass, identity, this.append);
    this.ring.addAlias(owner, own, rule, this.append);
    return owner;
  }

  #sealPersons(persons: readonly PersonGroup[], draft: Draft): void {
    for (const { owner, fields } of persons) {
      const kind = owner.tokenClass === 'p' ? SLOT_KINDS.patient : SLOT_KINDS.staff;
      const plaintext = this.#plaintextOf(fields);
      draft.slots.push({ kind, owners: [owner], plaintext });
      draft.content.push(plaintext, owner);
    }
  }

  /** The same as {@link plaintextOf} of the entries of identities. */
  #plaintextOf(fields: readonly PersonalField[]): Buffer {
    const out = this.#plaintext;
    try {
      out.byte(BRACKET);
      for (let i = 0; i < fields.length; i++) {
        const { pointer, value } = fields[i] as PersonalField;
        if (i > 0) out.byte(COMMA);
        out.byte(BRACKET);
        out.value(pointer);
        out.byte(COMMA);
        out.value(value);
        out.byte(BRACKET_END);
      }
      out.byte(BRACKET_END);
      out.pad(PLAINTEXT_BLOCK_BYTES);
      return out.take();
    } finally {
      out.wipe();
    }
  }

  #sealTexts({ texts }: PersonalFields, draft: Draft): void {
    const entries: string[] = [];
    const nobodys: string[] = [];
    const groups = new Map<string, TextGroup>();
    const event = eventOf(draft);
    const persons = this.#personsInTexts(event, texts);
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
    const month = this.#monthOf(event.source, event.time);
    // Which persons are known by now may differ when the same event comes again; the month does not.
    const all = plaintextOf(entries);
    draft.content.push(all, month);
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

  /** Whose names stand in each of some texts, or in several of them together. */
  #personsInTexts(event: ProtegoEvent, texts: readonly PersonalField[]): Set<KeyOwner>[] {
    // Nearly all undeclared fields have a name to be searched, too.
    const together = 2 * texts.length;
    const search = (text: string, found: Set<KeyOwner>, count = together): void =>
      this.ring.searchNames(text, found, count);
    const persons = texts.map(({ value, path, isUndeclared }) => {
      const found = new Set<KeyOwner>();
      if (isUndeclared) search(path.at(-1) as string, found);
      for (const text of searchTextsOf(value)) search(text, found);
      return found;
    });
    addNamesAcross(event, texts, persons, search);
    return persons;
  }

  #finish(draft: Draft): SealedEvent {
    const { slots, content } = draft;
    const sealed = slots.length === 0 ? NO_BYTES : sealSlots(slots);
    const out = this.#content;
    out.skipUint32();
    const subjects = writeStored(draft, out);
    const body = out.take(LENGTH_BYTES);
    if (body.length > BODY_BYTES_MAX) {
      const message = `the event takes \`${body.length}\` bytes with its personal fields replaced`;
      throw new ProtegoError('EVENT_TOO_LARGE', message, { bytes: body.length, bytesMax: BODY_BYTES_MAX });
    }
    out.setUint32(0, body.length);
    const contentHash = this.#contentHash(content);
    return new StoredEvent(body, sealed, contentHash, subjects, slots.filter(isForPipeline));
  }

  /** Keyed BLAKE2b-64 over body, which is written already, plaintexts and secrets, each after its length (u32). */
  #contentHash(content: Draft['content']): Buffer {
    const out = this.#content;
    for (const part of content) out.lengthAndBytes(part instanceof KeyOwner ? part.lendContentSecret() : part);
    blake2b(this.#digest, out.view(), this.#contentKey);
    const contentHash = Buffer.allocUnsafe(CONTENT_HASH_BYTES);
    for (let i = 0; i < CONTENT_HASH_BYTES; i++) contentHash[i] = this.#digest[i] as number;
    return contentHash;
  }
}

function draftOf(of: Draft['of'], shape: EventShape | undefined, values: unknown[]): Draft {
  return { of, shape, values, stored: [], slots: [], content: [] };
}

/** Messages are of known kinds only where they hold no texts. */
function eventOf({ of }: Draft): ProtegoEvent {
  if (!(of instanceof KnownMessage)) return of;
  throw new ProtegoError('INTERNAL', 'a message that was not parsed holds a text');
}

/** Writes the event as it is stored; returns the names under which its record is found. */
function writeStored({ of, shape, values, stored }: Draft, out: JsonBytes): string[] {
  if (shape === undefined) {
    const replaced = withReplacements(of as ProtegoEvent, stored);
    out.value(replaced);
    return subjectsOfEvent(replaced);
  }
  if (of instanceof KnownMessage) of.write(out);
  else writeShaped(shape, values, out);
  return subjectsOfShaped(shape, values);
}

/** Puts a placeholder in place of a field of the stored event. */
function placeIn({ stored, values }: Draft, { path, at }: PersonalField, placeholder: string): void {
  if (at === undefined) stored.push({ path, value: placeholder });
  else values[at] = placeholder;
}

function placeText(field: PersonalField, ordinal: number, draft: Draft): void {
  const { path, isUndeclared } = field;
  const placeholder = textPlaceholderOf(ordinal);
  if (isUndeclared) {
    const hidden = [...path.slice(0, -1), hiddenKeyOf(ordinal)];
    draft.stored.push({ path: hidden, value: placeholder, instead: path.at(-1) as string });
  } else placeIn(draft, field, placeholder);
}

/** The identity, as it came, of the person whom a field also names. */
function personValueOf({ rule, personAt }: PersonalField, { of }: Draft): unknown {
  if (rule?.person === undefined) return undefined;
  if (!(of instanceof KnownMessage)) return valueAt(of, rule.person);
  return personAt === undefined ? undefined : of.original(personAt);
}

function isForPipeline({ kind }: SlotInput): boolean {
  return kind !== SLOT_KINDS.patient;
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
