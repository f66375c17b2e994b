import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf, type Clock, type ProtegoError } from '@protego/contracts';
import type { NameSearch, PersonalDataVault } from '@protego/enclave';
import { sealedTextsNaming, type CopyOutOfReach } from '@protego/event-log';
import type { Bus, SealedLetter } from '../bus/bus';
import { INPUT_STREAM, REJECTED_STREAM } from '../bus/nats-bus';
import { BUS, DECLARED_SOURCES, ENGINE_CLOCK, VAULT } from '../engine.constants';

/** Most bytes of a reason; it travels in a header. */
const REASON_BYTES_MAX = 2_048;
/** Source under whose keys messages of sources are sealed that nobody declared. */
const UNDECLARED = 'undeclared';

/** Most refused messages that are searched for a name, the newest. */
const SEARCHED_MAX = 50_000;
/** Refused messages that the vault is asked to open at one time. */
const LETTERS_OPENED_MAX = 32;

/** A message that did not become an event. */
export interface RefusedInput {
  /** Subject that it came on, or would have come on. */
  readonly subject: string;
  /** Unique per message, so that a repeated refusal is stored once. */
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly error: ProtegoError;
}

/** Keeps refused input in the dead-letter stream, sealed: it may hold what a person can ask to be forgotten. */
@Injectable()
export class DeadLetters {
  readonly #log = new Logger('input');

  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    @Inject(VAULT) private readonly vault: PersonalDataVault,
    @Inject(DECLARED_SOURCES) private readonly declared: ReadonlySet<string>,
  ) {}

  /** True once the message and its reason are stored. */
  async keep({ subject, id, bytes, error }: RefusedInput): Promise<boolean> {
    const source = subject.split('.').at(-1) ?? '';
    // Each source and month has a key: names that anybody may invent must not fill the vault.
    const keyedBy = this.declared.has(source) ? source : UNDECLARED;
    const nowMs = this.clock.wallMs();
    const reason = reasonBytes(error);
    try {
      const [sealedReason, sealedBytes] = await Promise.all([
        this.vault.sealText(reason, keyedBy, nowMs),
        this.vault.sealText(bytes, keyedBy, nowMs),
      ]);
      await this.vault.flush();
      const { code } = error;
      const byteCount = bytes.length;
      await this.bus.publishRejected({ subject, source, id, code, sealedReason, sealedBytes, byteCount });
      return true;
    } catch (failure) {
      this.#log.warn(`a refused message could not be stored: ${messageOf(failure)}`);
      return false;
    } finally {
      // It may quote what the sender has put in.
      reason.fill(0);
    }
  }

  /** Where on the bus a person can still be read: in what was refused before anybody knew the name for one, or in what waits. */
  async naming(search: NameSearch): Promise<CopyOutOfReach[]> {
    const waiting = await this.#waitingInputs();
    let found = 0;
    let letters: SealedLetter[] = [];
    for await (const letter of this.bus.rejected(SEARCHED_MAX)) {
      letters.push(letter);
      if (letters.length < LETTERS_OPENED_MAX) continue;
      found += await this.#countNaming(letters, search);
      letters = [];
    }
    found += await this.#countNaming(letters, search);
    if (found === 0) return waiting;
    const note = `${found} refused messages still name the person: delete them, or wait until the stream drops them`;
    return [...waiting, { kind: 'stream', name: REJECTED_STREAM, note }];
  }

  /** What waits on the bus is in clear there until it is taken in, and is not looked into. */
  async #waitingInputs(): Promise<CopyOutOfReach[]> {
    const count = await this.bus.waitingInputs();
    if (count === 0) return [];
    const note = `${count} messages waited to be taken in and were not looked into: ask again when they are through`;
    return [{ kind: 'stream', name: INPUT_STREAM, note }];
  }

  async #countNaming(letters: readonly SealedLetter[], search: NameSearch): Promise<number> {
    const sealed = letters.flatMap(({ sealedReason, sealedBytes }) => [sealedReason, sealedBytes]);
    // Whoever may publish to the stream may put anything there.
    const named = await sealedTextsNaming(this.vault, sealed, search.names, 'bytes');
    const isNamed = ({ subject }: SealedLetter, i: number): boolean =>
      search.isInBytes(Buffer.from(subject)) || named[2 * i] === true || named[2 * i + 1] === true;
    return letters.filter(isNamed).length;
  }
}

// Not the canonical form, which refuses lone surrogates: the reason may quote what the sender has put in.
function reasonBytes({ message, help, details }: ProtegoError): Buffer {
  const whole = Buffer.from(JSON.stringify({ message, help, details }));
  if (whole.length <= REASON_BYTES_MAX) return whole;
  return Buffer.from(JSON.stringify({ message: message.slice(0, 256).toWellFormed(), help }));
}
