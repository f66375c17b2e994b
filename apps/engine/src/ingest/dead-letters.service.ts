import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf, type Clock, type ProtegoError } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { CopyOutOfReach, NameSearch } from '@protego/event-log';
import type { Bus } from '../bus/bus';
import { REJECTED_STREAM } from '../bus/nats-bus';
import { BUS, ENGINE_CLOCK, VAULT } from '../engine.constants';
import { EventGate } from './event-gate';

/** Most bytes of a reason; it travels in a header. */
const REASON_BYTES_MAX = 2_048;
/** Source under whose keys messages of sources are sealed that nobody declared. */
const UNDECLARED = 'undeclared';

/** Most refused messages that are searched for a name, the newest. */
const SEARCHED_MAX = 50_000;

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
    private readonly gate: EventGate,
  ) {}

  /** True once the message and its reason are stored. */
  async keep({ subject, id, bytes, error }: RefusedInput): Promise<boolean> {
    const source = subject.split('.').at(-1) ?? '';
    // Each source and month has a key: names that anybody may invent must not fill the vault.
    const keyedBy = this.gate.isDeclared(source) ? source : UNDECLARED;
    const nowMs = this.clock.wallMs();
    try {
      const sealedReason = this.vault.sealText(reasonBytes(error), keyedBy, nowMs);
      const sealedBytes = this.vault.sealText(bytes, keyedBy, nowMs);
      await this.vault.flush();
      const { code } = error;
      const byteCount = bytes.length;
      await this.bus.publishRejected({ subject, source, id, code, sealedReason, sealedBytes, byteCount });
      return true;
    } catch (failure) {
      this.#log.warn(`a refused message could not be stored: ${messageOf(failure)}`);
      return false;
    }
  }

  /** Says whether a person can still be read in what was refused: before anybody knew the name for one. */
  async naming(search: NameSearch): Promise<CopyOutOfReach[]> {
    let found = 0;
    for await (const { subject, sealedReason, sealedBytes } of this.bus.rejected(SEARCHED_MAX)) {
      const texts = [sealedReason, sealedBytes].map((sealed) => this.#textOf(sealed));
      if ([subject, ...texts].some((text) => search.isIn(text))) found++;
    }
    if (found === 0) return [];
    const note = `${found} refused messages still name the person: delete them, or wait until the stream drops them`;
    return [{ kind: 'stream', name: REJECTED_STREAM, note }];
  }

  #textOf(sealed: Uint8Array): string {
    try {
      return this.vault.openText(sealed)?.toString('utf8') ?? '';
    } catch {
      // Whoever may publish to the stream may put anything there; what cannot be opened cannot be read.
      return '';
    }
  }
}

// Not the canonical form, which refuses lone surrogates: the reason may quote what the sender has put in.
function reasonBytes({ message, help, details }: ProtegoError): Buffer {
  const whole = Buffer.from(JSON.stringify({ message, help, details }));
  if (whole.length <= REASON_BYTES_MAX) return whole;
  return Buffer.from(JSON.stringify({ message: message.slice(0, 256).toWellFormed(), help }));
}
