// The expression language in a page: evaluates the trees that engine/expressions/tree.py describes, and as that evaluates them.
// Values are null, true, false, texts, numbers and lists; where Python tells of a fault, a Mistake is thrown here.
"use strict";
const expressions = (() => {
  const MOST = 10n ** 18n,
    MAX_STEPS = 2000,
    PER_STEP = 50,
    MAX_TEXT = 10000;
  class Mistake extends Error {}
  const refuse = () => {
    throw new Mistake();
  };
  class Exact {
    // a number: a fraction in lowest terms
    constructor(n, d = 1n) {
      let [g, rest] = [n, d];
      while (rest) [g, rest] = [rest, g % rest];
      if (g < 0n !== d < 0n) g = -g;
      [this.n, this.d] = [n / g, d / g];
    }
  }
  const { isArray } = Array,
    whole = (n) => new Exact(BigInt(n)),
    points = (text) => [...text];
  const kind = (v) => (v === null ? "null" : isArray(v) ? "list" : v instanceof Exact ? "number" : typeof v);
  const truth = (v) => (isArray(v) ? v.length > 0 : v instanceof Exact ? v.n !== 0n : Boolean(v));
  const of = (name, v) => (kind(v) === name ? v : refuse());
  const order = (a, b) => {
    // texts by code points, as Python orders them
    if (kind(a) === "number") return Number(a.n * b.d - b.n * a.d);
    const [x, y] = [points(a), points(b)],
      at = x.findIndex((c, i) => c !== y[i]);
    return at < 0 ? x.length - y.length : at >= y.length ? 1 : x[at].codePointAt(0) - y[at].codePointAt(0);
  };
  const counted = (v) => (typeof v === "boolean" ? whole(v) : v); // true is 1, false is 0
  const same = (a, b) => {
    [a, b] = [counted(a), counted(b)];
    if (kind(a) !== kind(b)) return false;
    return isArray(a)
      ? a.length === b.length && a.every((v, i) => same(v, b[i]))
      : a instanceof Exact
        ? order(a, b) === 0
        : a === b;
  };
  const has = (list, item) => list.some((v) => same(v, item));
  const isIn = (item, box) => {
    if (box === null) return false;
    if (isArray(box)) return has(box, item);
    return item === null ? typeof box !== "string" && refuse() : of("string", box).includes(of("string", item));
  };
  const flat = (list) => (list.some(isArray) ? refuse() : list);
  const numbers = (act) => (a, b) => act(of("number", a), of("number", b));
  const divisor = (act) => numbers((a, b) => (b.n ? act(a, b) : refuse()));
  const floor = (a, b) => {
    const r = new Exact(a.n * b.d, a.d * b.n);
    return new Exact((r.n - (((r.n % r.d) + r.d) % r.d)) / r.d);
  };
  const plus = numbers((a, b) => new Exact(a.n * b.d + b.n * a.d, a.d * b.d)),
    minus = numbers((a, b) => plus(a, new Exact(-b.n, b.d)));
  const join = (text) => (points(text).length > MAX_TEXT ? refuse() : text);
  const BINARY = {
    "+": (a, b) =>
      isArray(a) && isArray(b)
        ? [...a, ...b]
        : typeof a === "string" && typeof b === "string"
          ? join(a + b)
          : plus(a, b),
    "-": (a, b) => (isArray(a) && isArray(b) ? (flat(b), flat(a).filter((v) => !has(b, v))) : minus(a, b)),
    "*": numbers((a, b) => new Exact(a.n * b.n, a.d * b.d)),
    "/": divisor((a, b) => new Exact(a.n * b.d, a.d * b.n)),
    "//": divisor(floor),
    "%": divisor((a, b) => minus(a, BINARY["*"](b, floor(a, b)))),
  };
  const ordering = (holds) => (a, b) =>
    ["number", "string"].includes(kind(a)) ? holds(order(a, of(kind(a), b))) : refuse();
  const RELATIONS = {
    "==": same,
    "!=": (a, b) => !same(a, b),
    in: isIn,
    "not in": (a, b) => !isIn(a, b),
    "<": ordering((n) => n < 0),
    "<=": ordering((n) => n <= 0),
    ">": ordering((n) => n > 0),
    ">=": ordering((n) => n >= 0),
  };

  // The value of a tree. `fact` gives the value of a name that stands in it.
  const evaluate = (tree, fact) => {
    let steps = 0;
    const spend = (n) => {
      steps += n;
      if (steps > MAX_STEPS) refuse();
    };
    const taken = (v) => {
      if (isArray(v)) spend(Math.floor(v.length / PER_STEP));
      return v instanceof Exact && (v.n > MOST || -v.n > MOST || v.d > MOST) ? refuse() : v;
    };
    const compare = ([left, ...rest]) => {
      for (let a = value(left), i = 0; i < rest.length; i += 2) {
        const b = value(rest[i + 1]);
        if (!RELATIONS[rest[i]](a, b)) return false;
        a = b;
      }
      return true;
    };
    const NODES = {
      number: ([digits]) => whole(digits),
      value: ([v]) => v,
      list: (args) => args.map(value),
      compare,
      fact: ([head, ...rest]) => rest.reduce((v) => (spend(1), of("null", v)), taken(fact(head))),
      and: (args) => {
        let v;
        for (const each of args) if (!truth((v = value(each)))) break;
        return v;
      },
      or: (args) => {
        let v;
        for (const each of args) if (truth((v = value(each)))) break;
        return v;
      },
      not: ([a]) => !truth(value(a)),
      if: ([then, condition, otherwise]) => value(truth(value(condition)) ? then : otherwise),
      minus: ([a]) => minus(whole(0), value(a)),
      plus: ([a]) => of("number", value(a)),
      call: refuse, // functions are the server's: a form's conditions may call none
    };
    const value = ([op, ...args]) => {
      spend(1);
      return Object.hasOwn(NODES, op) ? NODES[op](args) : taken(BINARY[op](value(args[0]), value(args[1])));
    };
    return value(tree);
  };

  // The keys of hidden fields; rules: key -> tree, answers: key -> value, a number as BigInt. What is hidden counts as missing for
  // what follows. A condition that cannot be decided, say because it names a fact of the matter, does not hold: the server decides.
  const hidden = (rules, answers) => {
    const found = new Map();
    const fact = (name) => {
      const answer = hides(name) ? null : answers.has(name) ? answers.get(name) : refuse();
      return typeof answer === "bigint" ? whole(answer) : answer;
    };
    const holds = (tree) => {
      try {
        return truth(evaluate(tree, fact));
      } catch (error) {
        if (error instanceof Mistake) return false;
        throw error;
      }
    };
    const hides = (key) => {
      if (rules.has(key) && !found.has(key)) found.set(key, holds(rules.get(key)));
      return found.get(key) ?? false;
    };
    return new Set([...rules.keys()].filter(hides));
  };
  return { Exact, Mistake, evaluate, hidden };
})();
