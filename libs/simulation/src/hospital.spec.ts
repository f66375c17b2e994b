import { WARDS, buildHospital, shiftAt } from './hospital';

const smallest = { devices: 30, people: 30, patients: 40 };

describe('buildHospital', () => {
  it.each([smallest, { devices: 5000, people: 3000, patients: 5000 }])(
    'has what every activity needs in %j',
    (size) => {
      const hospital = buildHospital(size);
      expect(hospital.devices).toHaveLength(size.devices);
      expect(new Set(hospital.devices.map(({ uid }) => uid)).size).toBe(size.devices);
      expect(new Set(hospital.devices.map(({ ip }) => ip)).size).toBe(size.devices);
      // One for each activity that is planted in an hour, so that none shares a tablet with another.
      expect(hospital.devices.filter(({ type }) => type === 'tablet').length).toBeGreaterThanOrEqual(6);
      for (const shift of [0, 1, 2]) {
        const roles = new Set(hospital.people.filter((person) => person.shift === shift).map(({ user }) => user.role));
        expect([...roles]).toEqual(expect.arrayContaining(['nurse', 'float-nurse', 'infection-control-nurse']));
      }
      for (const ward of WARDS) {
        expect(hospital.seatsOf.get(ward)?.some(({ type }) => type === 'workstation')).toBe(true);
        // A snooping tablet reads up to 22 records of other wards.
        expect(hospital.patients.filter((patient) => patient.ward !== ward).length).toBeGreaterThanOrEqual(22);
      }
    },
  );

  it('knows the shift at any hour, also before 1970', () => {
    const shiftAtHour = (hour: number): number => shiftAt(hour * 3_600_000);
    expect([7, 14, 15, 22, 23, 30].map(shiftAtHour)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(shiftAtHour(7 - 24 * 400)).toBe(0);
  });
});
