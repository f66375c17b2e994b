import { ProtegoError } from '@protego/contracts';
import type { Finding } from './finding';
import { compareFindings } from './finding';
import type { PartState } from './part-run';

/** Version of the form in which {@link runStateToBytes} writes. */
const VERSION = 1;
/** Latest findings that a state holds, so that a run may begin there although it wants some that were found before. */
export const TAIL_FINDINGS_MAX = 512;

/** Where a run stands in the log. */
export interface RunState {
  /** First record that was not judged yet. */
  readonly seq: number;
  readonly counted: RunTotals;
  readonly tail: TailState;
  /** One for each part that the artefacts are split into. */
  readonly parts: readonly PartState[];
}

/** What was read. */
export interface RunTotals {
  records: number;
  events: number;
  mutes: number;
}

/** The latest findings. */
export interface TailState {
  readonly findings: readonly Finding[];
  /** All that is certain from this time on is among them, milliseconds; null where all are. */
  readonly floorMs: number | null;
}

/** The latest findings of a run by time of certainty, {@link TAIL_FINDINGS_MAX} of them. */
export class FindingTail {
  #findings: Finding[];
  #floorMs: number | null;

  constructor({ findings, floorMs }: TailState = { findings: [], floorMs: null }) {
    this.#findings = [...findings];
    this.#floorMs = floorMs;
  }

  /** Takes findings in. */
  add(findings: readonly Finding[]): void {
    this.#findings.push(...findings);
    if (this.#findings.length > 2 * TAIL_FINDINGS_MAX) this.#cut();
  }

  /** The state as it is written down. */
  state(): TailState {
    this.#cut();
    return { findings: [...this.#findings], floorMs: this.#floorMs };
  }

  #cut(): void {
    this.#findings.sort(compareFindings);
    const dropped = this.#findings.length - TAIL_FINDINGS_MAX;
    if (dropped <= 0) return;
    const lastMs = (this.#findings[dropped - 1] as Finding).certainAtMs;
    this.#findings = this.#findings.slice(dropped);
    this.#floorMs = Math.max(this.#floorMs ?? lastMs + 1, lastMs + 1);
  }
}

/** A state as JSON text in UTF-8, with whatever else is to be known where it is read again. */
export function runStateToBytes(state: RunState, beside: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, ...beside, state }), 'utf8');
}

/**
 * The state that {@link runStateToBytes} wrote, and what stood beside it.
 *
 * @throws ProtegoError `REPLAY_STATE_INVALID`
 */
export function runStateFromBytes(bytes: Uint8Array): { readonly state: RunState; readonly beside: unknown } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProtegoError('REPLAY_STATE_INVALID', 'the state of a run is no JSON text', {}, { cause });
  }
  const { version, state, ...beside } = (parsed ?? {}) as { version?: unknown; state?: RunState };
  if (version !== VERSION || state === undefined || !Number.isSafeInteger(state.seq))
    throw new ProtegoError('REPLAY_STATE_INVALID', 'the state of a run is of another version', {
      expected: VERSION,
      found: String(version),
    });
  return { state, beside };
}
