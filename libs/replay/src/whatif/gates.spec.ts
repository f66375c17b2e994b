import { GATE_NAMES, parseGates, requireLabels } from './gates';
import { parseLabels } from './labels';
import { labelOf } from './testing/run-kit';

describe('parseGates', () => {
  it('reads names between commas, each once', () => {
    expect(parseGates('lost, added,lost')).toEqual(['lost', 'added']);
    expect(parseGates(GATE_NAMES.join(','))).toEqual(GATE_NAMES);
  });

  it.each(['', 'nope', 'lost,', 'toString', 'deny-to-permit'])('refuses `%s`', (text) => {
    expect(() => parseGates(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });

  it('says which gates there are, and why one cannot be kept yet', () => {
    expect(() => parseGates('nope')).toThrow(/there are added, lost, .*unexplained/);
    expect(() => parseGates('deny-to-permit')).toThrow(/access decisions, which a replay does not make yet/);
  });

  it('refuses gates that need labels where there are none', () => {
    expect(() => requireLabels(['lost', 'lost-attack'])).toThrow(/`lost-attack` needs labels/);
    expect(() => requireLabels(['lost'])).not.toThrow();
  });
});

describe('parseLabels', () => {
  const label = labelOf('l', 1);

  it('reads a label a line', () => {
    expect(parseLabels(`${JSON.stringify(label)}\n\n${JSON.stringify(label)}\n`)).toEqual([label, label]);
  });

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['another kind', JSON.stringify({ ...label, kind: 'x' })],
    ['a time that is none', JSON.stringify({ ...label, startsAt: 'today' })],
    ['events without source', JSON.stringify({ ...label, eventIds: [{ id: 'Anna' }] })],
  ])('refuses %s by its line, without repeating it', (_, line) => {
    const read = (): unknown => parseLabels(`${JSON.stringify(label)}\n${line}\n`);
    expect(read).toThrow(expect.objectContaining({ code: 'LABELS_INVALID', details: { line: 2 } }));
    expect(read).not.toThrow(/Anna/);
  });
});
