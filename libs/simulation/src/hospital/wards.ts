import type { SimulationSettings } from '../settings';
import type { Ward } from './model';

/** Names of wards with beds, in the order in which a growing hospital opens them. */
const WARD_NAMES = (
  'cardiology surgery intensive-care paediatrics oncology geriatrics orthopaedics neurology maternity urology ' +
  'gastroenterology pneumology nephrology trauma-surgery haematology gynaecology vascular-surgery stroke-unit ' +
  'neonatology dermatology rheumatology ophthalmology psychiatry endocrinology thoracic-surgery neurosurgery ' +
  'palliative-care infectious-diseases hepatology plastic-surgery intermediate-care burns-unit sleep-medicine ' +
  'cardiac-surgery ear-nose-throat oral-surgery day-surgery pain-medicine acute-geriatrics angiology'
).split(' ');

/** Units without beds that every hospital has. */
export const UNIT_NAMES = [
  'emergency',
  'theatre',
  'radiology',
  'laboratory',
  'pharmacy',
  'outpatients',
  'admissions',
  'administration',
  'float-pool',
  'technical-services',
  'data-centre',
] as const;
/** One of {@link UNIT_NAMES}. */
export type UnitName = (typeof UNIT_NAMES)[number];

/** Most wards with beds that a hospital can have. */
export const WARDS_MAX = WARD_NAMES.length;

const SITES = ['main-site', 'river-site'] as const;

/** Wards with beds, then units without; of two sites the second has the last third of the wards. */
export function buildWards({ wards, bedsPerWard, sites }: SimulationSettings): Ward[] {
  const secondFrom = sites === 2 && wards > 1 ? Math.min(wards - 1, Math.ceil((wards * 2) / 3)) : wards;
  const beds = WARD_NAMES.slice(0, wards).map((name, index) => ({
    name,
    site: index < secondFrom ? SITES[0] : SITES[1],
    bedCount: bedsPerWard,
  }));
  return [...beds, ...UNIT_NAMES.map((name) => ({ name, site: SITES[0], bedCount: 0 }))];
}

/** Wards where patients are watched more closely: more nurses, a monitor at each bed, ventilators. */
export function isIntensive(ward: string): boolean {
  return ward === 'intensive-care' || ward === 'neonatology' || ward === 'intermediate-care' || ward === 'burns-unit';
}
