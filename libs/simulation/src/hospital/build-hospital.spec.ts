import { parseSettings } from '../settings';
import { buildHospital } from './build-hospital';
import { DEVICE_CLASSES, ROLES, type Hospital } from './model';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 2, 2, 7);

function hospitalOf(written: Record<string, string> = {}, seed = 7, days = 7): Hospital {
  return buildHospital({ seed, settings: parseSettings(written), startMs: START, endMs: START + days * DAY });
}

describe('buildHospital', () => {
  const hospital = hospitalOf();

  it('has every role and every class of device, each with names and addresses of its own', () => {
    expect(ROLES.filter((role) => hospital.peopleOf(role).length === 0)).toEqual([]);
    expect(DEVICE_CLASSES.filter((type) => hospital.devicesOf(type).length === 0)).toEqual([]);
    const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;
    expect(unique(hospital.people.map(({ user }) => user.uid))).toBe(true);
    expect(unique(hospital.people.map(({ resident }) => resident.patientUid))).toBe(true);
    for (const key of ['uid', 'ip', 'mac'] as const) {
      expect(unique(hospital.devices.map(({ view }) => view[key]))).toBe(true);
    }
    expect(hospital.people.every(({ user }) => /^p-\d{5}$/.test(user.uid))).toBe(true);
    const legacy = hospital.devicesOf('imaging').filter(({ isLegacy }) => isLegacy).length;
    expect(legacy / hospital.devicesOf('imaging').length).toBeCloseTo(0.25, 0);
  });

  it('is the same again, and another with another seed', () => {
    const facts = (of: Hospital): unknown => [
      of.people.map(({ user, resident, homeAddress }) => [user, resident, homeAddress]),
      of.devices,
      of.partners,
      [...of.vips],
      of.inpatients(START + 3 * DAY),
      of.onDuty(START + 3 * DAY),
    ];
    expect(facts(hospitalOf())).toEqual(facts(hospital));
    expect(facts(hospitalOf({}, 8))).not.toEqual(facts(hospital));
  });

  it('answers the same in any order', () => {
    const times = Array.from({ length: 200 }, (_, index) => START + index * 5.37 * HOUR);
    const ask = (of: Hospital, timeMs: number): string =>
      [
        of.inpatients(timeMs, 'surgery').map(({ patient, startMs }) => `${patient.patientUid}/${startMs}`),
        of.onDuty(timeMs, { role: 'nurse', ward: 'surgery' }).map(({ person }) => person.user.uid),
        of.formerStays(timeMs, 5).map(({ patient }) => patient.patientUid),
      ].join('|');
    const forward = times.map((timeMs) => ask(hospital, timeMs));
    const fresh = hospitalOf();
    const backward = [...times].reverse().map((timeMs) => ask(fresh, timeMs));
    expect(backward.reverse()).toEqual(forward);
  });

  it('grows from a ward to a thousand beds', () => {
    const sizes: Record<string, string>[] = [
      { wards: '1', bedsPerWard: '4' },
      { wards: '40', bedsPerWard: '25', sites: '2' },
    ];
    for (const written of sizes) {
      const other = hospitalOf(written);
      const timeMs = START + 10 * HOUR;
      expect(ROLES.filter((role) => other.peopleOf(role).length === 0)).toEqual([]);
      for (const { name, bedCount } of other.wards) {
        if (bedCount === 0) continue;
        expect(other.onDuty(timeMs, { role: 'nurse', ward: name })).not.toEqual([]);
        expect(other.devicesOf('workstation', name).length).toBeGreaterThanOrEqual(2);
      }
    }
  });
});

describe('the town', () => {
  const hospital = hospitalOf();
  const residents = Array.from({ length: hospital.residentCount }, (_, index) => hospital.resident(index));

  it('has some 200 residents a bed, whom their numbers find', () => {
    expect(residents.length / 144).toBeCloseTo(200, -1);
    expect(new Set(residents.map(({ patientUid }) => patientUid)).size).toBe(residents.length);
    expect(residents.every((resident) => hospital.residentOf(resident.patientUid)?.index === resident.index)).toBe(
      true,
    );
    expect(hospital.residentOf('pt-')).toBeUndefined();
    expect(hospital.residentOf('p-00001')).toBeUndefined();
  });

  it('has households of one address, mostly of one surname', () => {
    let [pairs, equalNames] = [0, 0];
    for (const resident of residents.slice(0, 2000)) {
      for (const other of hospital.householdOf(resident)) {
        if (other.address !== resident.address) throw new Error(`${other.address} is not ${resident.address}`);
        pairs++;
        if (other.surname === resident.surname) equalNames++;
      }
    }
    expect(equalNames / pairs).toBeGreaterThan(0.55);
    expect(equalNames / pairs).toBeLessThan(0.75);
    const addresses = new Set(residents.map(({ address }) => address));
    expect(residents.length / addresses.size).toBeGreaterThan(2);
    const neighbours = hospital.neighboursOf(residents[50] as never, 6);
    expect(neighbours).toHaveLength(6);
    for (const neighbour of neighbours) {
      expect(neighbour.street).toBe(residents[50]?.street);
      expect(neighbour.address).not.toBe(residents[50]?.address);
    }
  });

  it('has frequent and rare surnames', () => {
    const counts = new Map<string, number>();
    for (const { surname } of residents) counts.set(surname, (counts.get(surname) ?? 0) + 1);
    const shares = [...counts.values()].map((count) => count / residents.length).sort((a, b) => b - a);
    expect(counts.size).toBeGreaterThan(450);
    expect(shares[0]).toBeLessThan(0.03);
    expect(shares[0]).toBeGreaterThan(0.006);
    // Two people who have nothing to do with one another rarely share a name.
    expect(shares.reduce((sum, share) => sum + share * share, 0)).toBeLessThan(0.006);
  });
});

describe('stays', () => {
  const hospital = hospitalOf();
  const bedCount = 144;
  const stays = hospital.staysWithin(START, START + 90 * DAY);

  it('fill about 85 % of the beds', () => {
    const times = Array.from({ length: 500 }, (_, index) => START + index * 4.31 * HOUR);
    const occupied = times.reduce((sum, timeMs) => sum + hospital.inpatients(timeMs).length, 0) / times.length;
    expect(occupied / bedCount).toBeGreaterThan(0.8);
    expect(occupied / bedCount).toBeLessThan(0.9);
  });

  it('last about five days, and end as stays do', () => {
    const share = (outcome: string): number => stays.filter((stay) => stay.outcome === outcome).length / stays.length;
    const meanMs = stays.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0) / stays.length;
    expect(meanMs / DAY).toBeGreaterThan(4);
    expect(meanMs / DAY).toBeLessThan(6);
    expect(share('deceased')).toBeGreaterThan(0.01);
    expect(share('deceased')).toBeLessThan(0.03);
    expect(share('transferred')).toBeGreaterThan(0.04);
    expect(share('transferred')).toBeLessThan(0.16);
    const homeHours = stays.filter(({ outcome }) => outcome === 'home').map(({ endMs }) => (endMs % DAY) / HOUR);
    expect(homeHours.every((hour) => hour >= 10 && hour < 14)).toBe(true);
  });

  it('put nobody into two beds, and nobody comes back from death', () => {
    const byPatient = new Map<string, (typeof stays)[number][]>();
    for (const stay of stays) {
      const list = byPatient.get(stay.patient.patientUid) ?? [];
      byPatient.set(stay.patient.patientUid, [...list, stay]);
    }
    const unsound: unknown[] = [];
    for (const list of byPatient.values()) {
      list.sort((a, b) => a.startMs - b.startMs);
      list.forEach((stay, index) => {
        const previous = list[index - 1];
        if (previous === undefined) return;
        const isTransfer = previous.outcome === 'transferred';
        const isSound = isTransfer
          ? stay.startMs === previous.endMs && stay.ward !== previous.ward
          : stay.startMs >= previous.endMs && previous.outcome !== 'deceased';
        if (!isSound) unsound.push(stay);
      });
    }
    expect(unsound).toEqual([]);
  });

  it('are found by patient, ward and time', () => {
    const timeMs = START + 40 * DAY + 3 * HOUR;
    for (const stay of hospital.inpatients(timeMs)) {
      expect(hospital.stayOf(stay.patient.patientUid, timeMs)).toEqual(stay);
      expect(hospital.wardOfPatient(stay.patient.patientUid, timeMs)).toBe(stay.ward);
    }
    const former = hospital.formerStays(timeMs, 50);
    expect(former).toHaveLength(50);
    for (const { patient, endMs } of former) {
      expect(timeMs - endMs).toBeGreaterThanOrEqual(5 * DAY);
      expect(timeMs - endMs).toBeLessThanOrEqual(60 * DAY);
      expect(hospital.stayOf(patient.patientUid, timeMs)).toBeUndefined();
      expect(hospital.wardOfPatient(patient.patientUid, timeMs)).toBeDefined();
    }
    const never = Array.from({ length: 1000 }, (_, index) => hospital.resident(index * 17)).filter(
      ({ patientUid }) => hospital.wardOfPatient(patientUid, timeMs) === undefined,
    );
    expect(never.length).toBeGreaterThan(400);
  });

  it('bring those on the watch list into the house', () => {
    expect(hospital.vips.size).toBe(12);
    const seen = new Set(hospital.staysWithin(START, START + 7 * DAY).map(({ patient }) => patient.patientUid));
    expect([...hospital.vips].every((uid) => seen.has(uid))).toBe(true);
  });
});

describe('shifts', () => {
  const hospital = hospitalOf();
  const hours = Array.from({ length: 24 * 60 }, (_, index) => START + index * HOUR);

  it('have nurses and physicians in every ward at every hour, fewer at night', () => {
    const bedWards = hospital.wards.filter(({ bedCount }) => bedCount > 0);
    const isStaffed = (timeMs: number, ward: string): boolean =>
      hospital.onDuty(timeMs, { role: 'nurse', ward }).length > 0 &&
      hospital.onDuty(timeMs, { role: 'physician', ward }).length > 0;
    const unstaffed = hours.flatMap((timeMs) => bedWards.filter(({ name }) => !isStaffed(timeMs, name)));
    expect(unstaffed).toEqual([]);
    const nursesAt = (hour: number): number =>
      hospital.onDuty(START + hour * HOUR, { role: 'nurse', ward: 'surgery' }).length;
    expect(nursesAt(2)).toBe(4);
    expect(nursesAt(18)).toBe(2);
  });

  it('have roles of the house by day, and what cannot wait at night', () => {
    const roles = (timeMs: number): Set<string> =>
      new Set(hospital.onDuty(timeMs).map(({ person }) => person.user.role));
    const byDay = roles(START + 4 * HOUR);
    expect(ROLES.filter((role) => !byDay.has(role))).toEqual([]);
    const always = ['float-nurse', 'radiographer', 'lab-technician', 'admission-clerk'];
    const missing = hours.flatMap((timeMs) => {
      const present = roles(timeMs);
      return always.filter((role) => !present.has(role));
    });
    expect(missing).toEqual([]);
  });

  it('leave everybody days off, and never ask for two duties at once', () => {
    const duties = hospital.dutiesBeginning(START, START + 60 * DAY).filter(({ isOnCall }) => !isOnCall);
    const byPerson = new Map<string, (typeof duties)[number][]>();
    for (const duty of duties) {
      const uid = duty.person.user.uid;
      byPerson.set(uid, [...(byPerson.get(uid) ?? []), duty]);
    }
    for (const list of byPerson.values()) {
      expect(list.length).toBeLessThan(52);
      expect(list.filter((duty, index) => duty.startMs < (list[index - 1]?.endMs ?? 0))).toEqual([]);
    }
    expect(byPerson.size / hospital.people.length).toBeGreaterThan(0.97);
    const perWeek = (duties.length / hospital.people.length / 60) * 7;
    expect(perWeek).toBeGreaterThan(3.5);
    expect(perWeek).toBeLessThan(5);
  });

  it('agree with what a person is asked', () => {
    const timeMs = START + 5 * DAY + 9 * HOUR;
    const present = new Set(hospital.onDuty(timeMs));
    for (const person of hospital.people) {
      const duty = hospital.dutyOf(person, timeMs);
      if (duty?.isOnCall === false) expect(present.has(duty)).toBe(true);
    }
    for (const duty of present) expect(hospital.dutyOf(duty.person, timeMs)).toBe(duty);
    const nurse = hospital.onDuty(timeMs, { role: 'nurse', ward: 'surgery' })[0];
    const [own] = hospital.inpatients(timeMs, 'surgery');
    const [other] = hospital.inpatients(timeMs, 'cardiology');
    expect(hospital.caresFor(nurse?.person as never, own?.patient.patientUid as never, timeMs)).toBe(true);
    expect(hospital.caresFor(nurse?.person as never, other?.patient.patientUid as never, timeMs)).toBe(false);
    const float = hospital.onDuty(timeMs, { role: 'float-nurse' })[0];
    const [help] = hospital.inpatients(timeMs, float?.ward);
    expect(hospital.caresFor(float?.person as never, help?.patient.patientUid as never, timeMs)).toBe(true);
  });
});

describe('addresses outside', () => {
  const hospital = hospitalOf();
  const documentation = /^(192\.0\.2|198\.51\.100|203\.0\.113|198\.1[89]\.\d{1,3})\.\d{1,3}$/;

  it('lie in networks that are nobody’s, and strange ones are used by nobody', () => {
    const homes = Array.from({ length: 3000 }, (_, index) => hospital.homeAddressOf(hospital.resident(index * 9)));
    const hosts = Array.from({ length: 600 }, (_, index) => hospital.ordinaryOutsideHost(index).ip);
    const ordinary = new Set([...homes, ...hosts]);
    const strange = Array.from({ length: 3000 }, (_, index) => hospital.strangeAddress(index));
    expect([...ordinary, ...strange].every((ip) => documentation.test(ip))).toBe(true);
    expect(strange.filter((ip) => ordinary.has(ip))).toEqual([]);
    const strangeHosts = Array.from({ length: 1000 }, (_, index) => hospital.strangeOutsideHost(index).ip);
    expect(strangeHosts.filter((ip) => ordinary.has(ip))).toEqual([]);
    const names = new Set(Array.from({ length: 600 }, (_, index) => hospital.ordinaryOutsideHost(index).hostname));
    expect(names.size).toBe(600);
    expect(names.has(hospital.strangeOutsideHost(5).hostname)).toBe(false);
    expect(homes.every((ip) => hospital.countryOf(ip) === 'DE')).toBe(true);
    expect(new Set(strange.map((ip) => hospital.countryOf(ip))).size).toBeGreaterThan(5);
  });

  it('gives partners networks and people of their own', () => {
    const networks = hospital.partners.flatMap((partner) => partner.networks);
    expect(hospital.partners).toHaveLength(12);
    expect(new Set(networks).size).toBe(networks.length);
    expect(networks.every((cidr) => documentation.test(cidr.replace('/28', '')))).toBe(true);
    const users = hospital.partners.flatMap((partner) => partner.users.map(({ uid }) => uid));
    expect(new Set(users).size).toBe(users.length);
    expect(new Set(hospital.partners.map(({ kind }) => kind)).size).toBe(7);
  });
});
