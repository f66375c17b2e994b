import { drawFraction } from './draws';

// Names are put together from a beginning and an end of one of several sound families, so that they read like the phone book of
// a town to which people have come from everywhere, and belong to nobody in particular.
const FAMILIES: readonly (readonly [beginnings: string, ends: string])[] = [
  [
    'Alder Birk Brand Brunn Dorn Eber Eich Falk Feld Fink Grün Hage Hart Kirch Linden Mühl Ober Rosen Stein Winter',
    'mann er bach berg hof meier ke ner stedt au',
  ],
  ['Ash Beck Brad Clay Dun Elm Fair Green Hather Lang Mar North Oak Pen Whit', 'ford ley ton well worth by combe sted'],
  ['Bala Cern Dob Grab Hor Jan Kow Lis Mal Nov Pol Sob Wal Zel', 'ak ek inski owicz ova enko ic'],
  ['Bel Cam Cor Del Fer Gal Lom Mar Mon Per Sal Tor', 'ano elli aro ini eiro anez osa'],
  ['Ak Bay Car Dem Er Gök Kar Oz Sar Yal', 'can demir han oglu soy tas'],
];

// Zipf's law with an offset: the most frequent name has about one person in eighty, the rarest one in 3,000.
const RANK_OFFSET = 20;

/** Surnames of the town, the most frequent first; about 600. */
export const SURNAMES: readonly string[] = buildSurnames();

/** Cumulative share of the names up to each rank. */
const CUMULATIVE = buildCumulative();

/** A surname: frequent ones more often than rare ones, as in every town; a function of its arguments alone. */
export function surnameOf(key: number, a: number, b: number): string {
  const share = drawFraction(key, a, b);
  let low = 0;
  let high = CUMULATIVE.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((CUMULATIVE[middle] as number) > share) high = middle;
    else low = middle + 1;
  }
  return SURNAMES[low] as string;
}

function buildSurnames(): string[] {
  const columns = FAMILIES.map(([beginnings, ends]) => {
    const endList = ends.split(' ');
    const beginningList = beginnings.split(' ');
    // Ends change faster than beginnings, so that frequent names do not all begin alike.
    return Array.from({ length: beginningList.length * endList.length }, (_, index) => {
      const beginning = beginningList[index % beginningList.length] as string;
      const turn = Math.floor(index / beginningList.length) + index;
      return beginning + (endList[turn % endList.length] as string);
    });
  });
  const longest = Math.max(...columns.map(({ length }) => length));
  const rows = Array.from({ length: longest }, (_, row) => columns.map((column) => column[row]));
  return [...new Set(rows.flat().filter((name) => name !== undefined))];
}

function buildCumulative(): Float64Array {
  const cumulative = new Float64Array(SURNAMES.length);
  let sum = 0;
  for (let rank = 0; rank < cumulative.length; rank++) {
    sum += 1 / (rank + RANK_OFFSET);
    cumulative[rank] = sum;
  }
  return cumulative.map((value) => value / sum);
}
