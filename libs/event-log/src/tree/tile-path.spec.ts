import { entriesPath, tilePath, tileWidth } from './tile-path';

describe('tile paths', () => {
  it.each([
    [{ level: 0, index: 0 }, undefined, 'tile/0/000'],
    [{ level: 0, index: 999 }, undefined, 'tile/0/999'],
    [{ level: 1, index: 1000 }, undefined, 'tile/1/x001/000'],
    [{ level: 0, index: 1_234_067 }, undefined, 'tile/0/x001/x234/067'],
    [{ level: 2, index: 1_234_067 }, 8, 'tile/2/x001/x234/067.p/8'],
    [{ level: 6, index: 2 ** 33 }, 255, 'tile/6/x008/x589/x934/592.p/255'],
  ])('of %j with width %s', (place, width, path) => {
    expect(tilePath(place, width)).toBe(path);
  });

  it('of entry bundles', () => {
    expect(entriesPath(1_234_067)).toBe('tile/entries/x001/x234/067');
    expect(entriesPath(5, 3)).toBe('tile/entries/005.p/3');
  });

  it('follow the example of the specification: 70,000 leaves', () => {
    const widths = [0, 1, 2].map((level) =>
      Array.from({ length: 300 }, (_, index) => tileWidth({ level, index }, 70_000)).filter((width) => width > 0),
    );
    expect(widths).toEqual([[...Array<number>(273).fill(256), 112], [256, 17], [1]]);
  });
});
