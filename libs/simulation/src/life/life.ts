import type { EventDraft } from '../draft';
import type { DeviceView, Hospital, StaffMember } from '../hospital/model';
import type { EndpointView } from '../event-drafts';
import type { SeededRandom } from '../random';
import type { SimulationSettings } from '../settings';

/** Length of a slice, milliseconds: ordinary life is made slice by slice, each without those before it. */
export const SLICE_MS = 5 * 60_000;

/** A slice of time, half-open, and what life in it is made from. */
export interface Slice {
  readonly hospital: Hospital;
  readonly settings: SimulationSettings;
  readonly seed: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Start of the whole simulation, milliseconds since the Unix epoch. */
  readonly beginMs: number;
  /** A stream of this kind of life and slice alone. */
  readonly random: SeededRandom;
}

/** One kind of ordinary life. */
export interface Life {
  readonly name: string;
  /**
   * Drafts of a slice, each with a time in it, in any order. A function of its argument alone: what goes on longer than a slice
   * is planned by functions of seed and time, and each slice takes the part that lies in it.
   */
  drafts(slice: Slice): EventDraft[];
}

/** A member of staff signed in somewhere, half-open. */
export interface StaffSession {
  readonly uid: string;
  readonly person: StaffMember;
  readonly device: DeviceView;
  readonly from: EndpointView;
  readonly userAgent: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isRemote: boolean;
}
