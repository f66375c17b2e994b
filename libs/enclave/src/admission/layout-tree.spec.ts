import { LayoutTree } from './layout-tree';
import { MessageBytes, MessageLeaves } from './message-leaves';
import { messageLayoutOf, type MessageLayout } from './message-layout';

const layoutOf = (text: string): MessageLayout => messageLayoutOf(Buffer.from(text), 8) as MessageLayout;

function matched<T>(tree: LayoutTree<T>, text: string): T | undefined {
  const message = new MessageBytes();
  // Among other messages, and not at the start of the memory.
  const around = Buffer.from(`#####${text}#####`);
  message.enter(around.subarray(5, around.length - 5));
  return tree.match(message, new MessageLeaves(8));
}

describe('LayoutTree', () => {
  it('finds what was said of a layout, among others that begin alike', () => {
    const tree = new LayoutTree<string>();
    const texts = [
      '{"a":1,"b":2}',
      '{"a":1,"b":{"c":2}}',
      '{"a":1}',
      '{"a":{"b":1,"c":2}}',
      '{"a":1,"b":2,"c":3}',
      '{ "a": 1 }',
      '{"a":1} ',
    ];
    for (const text of texts) expect(tree.add(layoutOf(text), text)).toBe(true);
    for (const text of texts) expect(matched(tree, text.replaceAll(/\d/g, '"x"'))).toBe(text);
    for (const text of ['', '{', '{"a":', '{"a":1', '{"a":1}}', '{"a":1,"d":2}', '{"a":[1]}', '{"a":1}x'])
      expect(matched(tree, text)).toBeUndefined();
  });

  it('takes up a layout once', () => {
    const tree = new LayoutTree<number>();
    expect([tree.add(layoutOf('{"a":1}'), 1), tree.add(layoutOf('{"a":2}'), 2)]).toEqual([true, false]);
    expect(matched(tree, '{"a":3}')).toBe(1);
  });

  it('holds a bounded number of bytes and of neighbours', () => {
    const tree = new LayoutTree<number>();
    for (let n = 0; n < 64; n++) expect(tree.add(layoutOf(`{"k${n}":1}`), n)).toBe(true);
    expect(tree.add(layoutOf('{"more":1}'), 64)).toBe(false);
    const long = `{"${'k'.repeat(200_000)}":1}`;
    tree.clear();
    expect(tree.add(layoutOf(long), 1)).toBe(true);
    expect(matched(tree, long)).toBe(1);
    expect(tree.add(layoutOf(long.replace('k', 'x')), 2)).toBe(true);
    expect([matched(tree, long), matched(tree, long.replace('k', 'x'))]).toEqual([undefined, 2]);
  });

  it('has no place for arrays and for more scalars than are asked for', () => {
    expect(messageLayoutOf(Buffer.from('{"a":[1]}'), 8)).toBeUndefined();
    expect(messageLayoutOf(Buffer.from('{"a":1,"b":2}'), 1)).toBeUndefined();
    expect(messageLayoutOf(Buffer.from('{"a":1,"b":2}'), 2)?.paths).toEqual([['a'], ['b']]);
  });
});
