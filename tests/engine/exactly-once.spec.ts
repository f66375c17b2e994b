import { lossesOf, publicationFaultsOf, repetitionsOf, type CountedEvent, type PublishedResult } from './exactly-once';

const at = (seq: number, id: string, source = 'probe'): CountedEvent => ({ source, id, seq });
const result = (seq: number, id: string): PublishedResult => ({ id, seq });

describe('lossesOf', () => {
  const log = [at(0, 'a'), at(1, 'b'), at(2, 'a', 'ehr')];

  it('finds nothing where every acknowledged event is in the log', () => {
    expect(lossesOf([{ source: 'probe', id: 'a' }, at(1, 'b'), at(2, 'a', 'ehr')], log)).toEqual([]);
  });

  it('finds an event that is lost', () => {
    expect(lossesOf([{ source: 'probe', id: 'c' }], log)).toEqual(['probe/c is lost']);
    expect(lossesOf([{ source: 'ehr', id: 'b' }], log)).toEqual(['ehr/b is lost']);
  });

  it('finds an event that is elsewhere than was answered', () => {
    expect(lossesOf([at(0, 'b')], log)).toEqual(['probe/b was answered 0 and is at 1']);
  });
});

describe('repetitionsOf', () => {
  it('finds nothing in a log of distinct events', () => {
    expect(repetitionsOf([at(0, 'a'), at(1, 'b'), at(2, 'a', 'ehr')])).toEqual([]);
  });

  it('finds an event that is there twice, such as a detection', () => {
    expect(repetitionsOf([at(0, 'd', 'protego'), at(1, 'd', 'protego')])).toEqual([
      'protego/d is in the log again at 1',
    ]);
  });

  it('finds a place that is left out', () => {
    expect(repetitionsOf([at(0, 'a'), at(2, 'b')])).toEqual(['probe/b has seq 2 at place 1']);
  });
});

describe('publicationFaultsOf', () => {
  const results = [result(3, 'x'), result(5, 'y'), result(9, 'z')];

  it('finds nothing where the stream holds each result once, in order', () => {
    expect(publicationFaultsOf(results, results)).toEqual([]);
  });

  it('finds a publication that is made twice', () => {
    const faults = publicationFaultsOf(results, [result(3, 'x'), result(5, 'y'), result(5, 'y'), result(9, 'z')]);
    expect(faults).toEqual(['y is published again', 'y of 5 is published after 5']);
  });

  it('finds one that is missing', () => {
    expect(publicationFaultsOf(results, [result(3, 'x'), result(9, 'z')])).toEqual(['y is not published']);
  });

  it('finds one that is out of order', () => {
    const faults = publicationFaultsOf(results, [result(5, 'y'), result(3, 'x'), result(9, 'z')]);
    expect(faults).toEqual(['x of 3 is published after 5']);
  });

  it('finds one that the log does not hold, or holds elsewhere', () => {
    const faults = publicationFaultsOf(results, [...results, result(10, 'w')]);
    expect(faults).toEqual(['w is published for 10 and stands at no place']);
    expect(publicationFaultsOf([result(3, 'x')], [result(4, 'x')])).toEqual(['x is published for 4 and stands at 3']);
  });
});
