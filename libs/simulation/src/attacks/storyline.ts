import type { EventDraft } from '../draft';
import { deviceDraft, type UserView } from '../event-drafts';
import type { DeviceClass, SimulatedDevice, StaffMember } from '../hospital/model';
import { isHost } from '../host-agents';
import { commandDraft, commandOf } from '../host-work';
import { connectionDraft, type Carried, type End } from '../connections';
import { type ReachedService } from '../reached-services';
import { inTime, type Course, type Stage, type Suppression } from './activity';

/**
 * A course in the making: drafts are added at a time that goes on at the pace of the stage. Time never goes on by more than what
 * is asked for, so that the sum of all passages is the longest course.
 */
export class Storyline {
  readonly #drafts: EventDraft[] = [];
  #nowMs: number;

  constructor(readonly stage: Stage) {
    this.#nowMs = stage.startMs;
  }

  /** Where the story stands, milliseconds since the Unix epoch. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** When the first thing happened; where the story stands where nothing did. */
  get firstMs(): number {
    return this.drafts[0]?.timeMs ?? this.#nowMs;
  }

  /** Lets 70 to 100 percent of a time pass, at the pace of the stage; returns where the story stands. */
  pass(usualMs: number): number {
    const { random, pace } = this.stage;
    this.#nowMs += Math.floor(((0.7 + 0.3 * random.fraction()) * usualMs) / pace);
    return this.#nowMs;
  }

  /** Lets just so many milliseconds pass, whatever the pace. */
  waitExactly(ms: number): number {
    this.#nowMs += Math.floor(ms);
    return this.#nowMs;
  }

  /** Does something `count` times within a time, uneven as people are; the story then stands at its end. */
  repeat(count: number, usualMs: number, act: (index: number) => void): void {
    for (let index = 0; index < count; index++) {
      this.pass(usualMs / count);
      act(index);
    }
  }

  add(...drafts: readonly EventDraft[]): void {
    this.#drafts.push(...drafts);
  }

  /** A connection now. */
  connect(from: End, to: End, service: ReachedService, carried: Carried): void {
    this.add(connectionDraft(this.#nowMs, from, to, service, carried, this.stage.random));
  }

  /** A command now. */
  run(device: SimulatedDevice, line: string, parent: string, user?: UserView): void {
    this.add(commandDraft(this.#nowMs, device.view, commandOf(line, parent), user));
  }

  /** Announced work on a device begins; returns its ticket. */
  announce(device: SimulatedDevice, by: UserView, reason: string, plannedMinutes: number): string {
    const ticket = `CHG-${this.stage.random.integer(10_000, 99_999)}`;
    const facts = { actor: { user: by }, ticket, reason, planned_minutes: plannedMinutes };
    this.add(deviceDraft(this.#nowMs, maintenanceSource(device), 'device.maintenance-started', device.view, facts));
    return ticket;
  }

  /** Announced work on a device ends. */
  conclude(device: SimulatedDevice, by: UserView, ticket: string): void {
    const facts = { actor: { user: by }, ticket };
    this.add(deviceDraft(this.#nowMs, maintenanceSource(device), 'device.maintenance-ended', device.view, facts));
  }

  /** What happened so far, in event time. */
  get drafts(): readonly EventDraft[] {
    return inTime(this.#drafts);
  }

  /** What happened. Of an attack: from when on it had gone further than harmless activities do. */
  course(
    entities: Course['entities'],
    detectableAtMs: number | null,
    suppressions?: readonly Suppression[],
  ): Course | undefined {
    if (this.#drafts.length === 0) return undefined;
    const { drafts } = this;
    return { entities, drafts, detectableAtMs, ...(suppressions === undefined ? {} : { suppressions }) };
  }
}

/** Feed that tells of announced work on a device: that of its caretakers. */
export function maintenanceSource(device: SimulatedDevice): 'host-agents' | 'network-monitor' | 'biomed-gateway' {
  if (isHost(device)) return 'host-agents';
  return device.view.type === 'access-point' || device.view.type === 'gateway' ? 'network-monitor' : 'biomed-gateway';
}

/** Entity of a device. */
export function ofDevice(device: SimulatedDevice): Course['entities'][number] {
  return { kind: 'device', id: device.view.uid };
}

/** Entity of a person. */
export function ofPerson(user: UserView): Course['entities'][number] {
  return { kind: 'person', id: user.uid };
}

/** Entity of an address. */
export function ofAddress(ip: string): Course['entities'][number] {
  return { kind: 'address', id: ip };
}

/** One device of a class by chance; undefined where the house has none. */
export function oneOf(stage: Stage, type: DeviceClass, ward?: string): SimulatedDevice | undefined {
  const devices = stage.hospital.devicesOf(type, ward);
  return devices.length === 0 ? undefined : stage.random.pick(devices);
}

/** Somebody of a role, on duty where possible; undefined where the house has none. */
export function somebody(stage: Stage, role: StaffMember['user']['role']): StaffMember | undefined {
  const { hospital, random, startMs } = stage;
  const onDuty = hospital.onDuty(startMs, { role });
  if (onDuty.length > 0) return random.pick(onDuty).person;
  const people = hospital.peopleOf(role);
  return people.length === 0 ? undefined : random.pick(people);
}

/** A workstation and somebody on duty in its ward; undefined where nobody is. */
export function somebodyAtDesk(
  stage: Stage,
): { readonly seat: SimulatedDevice; readonly person: StaffMember } | undefined {
  const { hospital, random, startMs } = stage;
  const seats = hospital.devicesOf('workstation');
  for (const seat of random.sample(seats, 12)) {
    const onDuty = hospital.onDuty(startMs, { ward: seat.view.ward });
    if (onDuty.length > 0) return { seat, person: random.pick(onDuty).person };
  }
  return undefined;
}
