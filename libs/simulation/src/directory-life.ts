import type { EventDraft } from './draft';
import { shiftAt, type Hospital, type SimulatedPatient, type SimulatedPerson } from './hospital';
import type { SeededRandom } from './random';

/** Directory records are spread over this much time after a change of shift, milliseconds. */
const SPREAD_MS = 20_000;

/** Roles that care for the patients of their own ward. */
export function caresFor(person: SimulatedPerson, patient: SimulatedPatient): boolean {
  const { role, ward } = person.user;
  return ward === patient.ward && (role === 'nurse' || role === 'physician');
}

/** The directory: who works where, which device belongs to which ward, who cares for whom. */
export class DirectoryLife {
  #shift: number | undefined;

  constructor(
    private readonly hospital: Hospital,
    private readonly random: SeededRandom,
  ) {}

  /** Records of one slot of time: everything in the first one, later only what changes with the shift. */
  slot(startMs: number): EventDraft[] {
    const shift = shiftAt(startMs);
    if (shift === this.#shift) return [];
    const drafts = this.#shift === undefined ? this.#devices(startMs) : this.#careEnds(startMs, this.#shift);
    this.#shift = shift;
    for (const person of this.#onDuty(shift)) drafts.push(...this.#shiftBegins(startMs, person));
    return drafts;
  }

  #onDuty(shift: number): SimulatedPerson[] {
    return this.hospital.people.filter((person) => person.shift === shift);
  }

  #devices(startMs: number): EventDraft[] {
    return this.hospital.devices.map((device) =>
      this.#draft(startMs, 'roster.device-assigned', device.uid, { device: { uid: device.uid, ward: device.ward } }),
    );
  }

  #shiftBegins(startMs: number, person: SimulatedPerson): EventDraft[] {
    const assigned = this.#draft(startMs, 'roster.person-assigned', person.user.uid, { user: person.user });
    return [assigned, ...this.#care(startMs, person, 'care.relationship-started')];
  }

  #careEnds(startMs: number, shift: number): EventDraft[] {
    return this.#onDuty(shift).flatMap((person) => this.#care(startMs, person, 'care.relationship-ended'));
  }

  #care(startMs: number, person: SimulatedPerson, type: string): EventDraft[] {
    return (this.hospital.patientsOf.get(person.user.ward) ?? [])
      .filter((patient) => caresFor(person, patient))
      .map((patient) => this.#draft(startMs, type, person.user.uid, { user: person.user, patient }));
  }

  #draft(startMs: number, type: string, subject: string, data: EventDraft['data']): EventDraft {
    return { timeMs: startMs + this.random.integer(0, SPREAD_MS), source: 'directory', type, subject, data };
  }
}
