// The expression language in a page: evaluates the trees that engine/expressions/tree.py describes, and as that evaluates them.
// Values are null, true, false, texts, numbers, lists and rows (a Map each); where Python tells of a fault, a Mistake is thrown here.
"use strict";
const expressions = (() => {
  const MOST = 10n ** 18n,
    MAX_STEPS = 10000,
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
  const isRow = (v) => v instanceof Map,
    hasRows = (v) => isRow(v) || (isArray(v) && v.some(hasRows)),
    areRows = (v) => isArray(v) && v.every(isRow);
  const kind = (v) =>
    v === null ? "null" : isArray(v) ? "list" : isRow(v) ? "row" : v instanceof Exact ? "number" : typeof v;
  const truth = (v) =>
    isArray(v) ? v.length > 0 : isRow(v) ? v.size > 0 : v instanceof Exact ? v.n !== 0n : Boolean(v);
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
    if (isRow(a)) return a.size === b.size && [...a].every(([name, v]) => b.has(name) && same(v, b.get(name)));
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
  const flat = (list) => (list.some((v) => isArray(v) || isRow(v)) ? refuse() : list);
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

  // the functions of engine/expressions/functions.py: of so many arguments, or of a list or its elements (null)
  const elements = (args) => (args.length === 1 ? of("list", args[0]) : args);
  const comparable = (args) => {
    const list = elements(args),
      first = list.length ? kind(list[0]) : refuse();
    return ["number", "string"].includes(first) && list.every((v) => kind(v) === first) ? list : refuse();
  };
  const best = (better) => (args) => comparable(args).reduce((a, b) => (better(order(b, a)) ? b : a));
  const places = (v) => (of("number", v).d === 1n && v.n >= 0n && v.n <= 6n ? v.n : refuse());
  const quantity = (v, n) => new Exact(of("number", v).n * 10n ** n, v.d);
  const half = (v) => {
    const size = (2n * (v.n < 0n ? -v.n : v.n) + v.d) / (2n * v.d);
    return new Exact(v.n < 0n ? -size : size);
  };
  const FUNCTIONS = {
    sum: [null, (args) => elements(args).reduce((a, b) => plus(a, b), whole(0))],
    min: [null, best((n) => n < 0)],
    max: [null, best((n) => n > 0)],
    any: [null, (args) => elements(args).some(truth)],
    all: [null, (args) => elements(args).every(truth)],
    len: [1, ([v]) => whole(isArray(v) ? v.length : points(of("string", v)).length)],
    count: [1, ([v]) => whole(v === null ? 0 : of("list", v).length)],
    unique: [1, ([v]) => flat(of("list", v)).reduce((list, each) => (has(list, each) ? list : [...list, each]), [])],
    quantity: [2, ([v, n]) => quantity(v, places(n))],
    yuan: [1, ([v]) => quantity(v, 2n)],
    rounded: [1, ([v]) => half(of("number", v))],
    each: [2, ([rows, values]) => (areRows(rows) ? values : refuse())],
    where: [2, ([rows, values]) => (areRows(rows) ? rows.filter((row, i) => truth(values[i])) : refuse())],
  };
  const OVER_ROWS = ["each", "where"]; // their second argument is asked of each row of the first, called `row`
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
    let steps = 0,
      row = null; // that of which `each` or `where` asks
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
      fact: ([head, ...rest]) => {
        let v = taken(head === "row" && row ? row : fact(head));
        for (const name of rest) {
          spend(1);
          if (v === null || (isArray(v) && !v.length)) return v;
          if (areRows(v)) v = taken(v.map((each) => each.get(name) ?? null).filter((each) => each !== null));
          else v = isRow(v) ? taken(v.get(name) ?? null) : refuse();
        }
        return v;
      },
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
      call: ([name, ...args]) => {
        const [count, act] = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : refuse();
        if (count !== null && args.length !== count) refuse();
        if (!OVER_ROWS.includes(name)) return taken(act(args.map(value)));
        const rows = value(args[0]);
        return taken(act([rows, areRows(rows) ? ofEach(rows, args[1]) : []]));
      },
    };
    const ofEach = (rows, asked) => {
      const around = row;
      const values = rows.map((each) => ((row = each), value(asked)));
      row = around;
      return values;
    };
    const value = ([op, ...args]) => {
      spend(1);
      return Object.hasOwn(NODES, op) ? NODES[op](args) : taken(BINARY[op](value(args[0]), value(args[1])));
    };
    const result = value(tree);
    return hasRows(result) ? refuse() : result;
  };

  // What follows from the answers of a form, as engine/forms/hiding.py settles it. The form: Maps `hide` and `calculated` (key -> tree),
  // `tables` (key -> the form of a row); answers: key -> value, a number as BigInt, of a table a list of such Maps. What is hidden, or
  // cannot be calculated, counts as missing for what follows. A condition that cannot be decided, say because it names a fact of the
  // matter, does not hold: the server decides. Gives the hidden keys, the values as expressions see them, and the rows of each table, settled.
  const settle = (form, answers, around = refuse) => {
    const gone = new Map(),
      known = new Map(),
      rows = new Map();
    const tried = (tree) => {
      try {
        return evaluate(tree, fact);
      } catch (error) {
        if (error instanceof Mistake) return null;
        throw error;
      }
    };
    const hides = (key) => {
      if (form.hide.has(key) && !gone.has(key)) gone.set(key, truth(tried(form.hide.get(key))));
      return gone.get(key) ?? false;
    };
    const table = (key) => {
      rows.set(
        key,
        answers.get(key).map((each) => settle(form.tables.get(key), each, fact)),
      );
      return rows.get(key).map((each) => each.values);
    };
    const calculated = (key) => {
      const v = tried(form.calculated.get(key));
      return v instanceof Exact && v.d !== 1n ? null : ["list", "row"].includes(kind(v)) ? null : v;
    };
    const found = (key) => {
      if (hides(key)) return null;
      if (form.tables.has(key)) return table(key);
      if (form.calculated.has(key)) return calculated(key);
      const answer = answers.get(key);
      return typeof answer === "bigint" ? whole(answer) : answer;
    };
    const fact = (name) => {
      if (!answers.has(name)) return around(name);
      if (!known.has(name)) known.set(name, found(name));
      return known.get(name);
    };
    for (const key of answers.keys()) fact(key);
    return { hidden: new Set([...form.hide.keys()].filter(hides)), values: known, rows };
  };
  const hidden = (rules, answers) => settle({ hide: rules, calculated: new Map(), tables: new Map() }, answers).hidden;

  // --- money and quantities, as engine/forms/amounts.py reads and writes them; null where it is not clear what is meant ---
  const PLAIN = "([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\\.([0-9]+))?",
    NUMBER = new RegExp(`^([+-]?)${PLAIN}$`),
    MYRIADS = new RegExp(`^([+-]?)${PLAIN}(万|亿)([0-9]{4}|[0-9]{8})?(?:\\.([0-9]+))?$`),
    PLACES = { 万: 4, 亿: 8 };
  const scaled = (digits, tail, decimals) =>
    /[^0]/.test(tail.slice(decimals))
      ? null
      : BigInt(digits.replaceAll(",", "") + tail.slice(0, decimals).padEnd(decimals, "0"));
  const amount = (text, { decimals, unit, money }) => {
    let bare = text.normalize("NFKC").replace(/[\u2212\u2013]/g, "-").replace(/\u3001/g, ",");
    bare = bare.replace(/(?<![0-9])\s+|\s+(?![0-9])/g, "");
    if (bare.length > 60) return null;
    const ends = [unit, ...(money ? ["元整", "圆整", "元", "圆", "块"] : [])].filter(Boolean);
    const end = ends.sort((a, b) => b.length - a.length).find((each) => bare.endsWith(each));
    if (end) bare = bare.slice(0, -end.length);
    if (money) bare = bare.replace(/^([+-]?)(?:人民币|RMB|CNY|[¥￥])/i, "$1");
    let size = null,
      found = NUMBER.exec(bare);
    if (found) size = scaled(found[2], found[3] ?? "", decimals);
    else if ((found = MYRIADS.exec(bare))) {
      const [, , digits, tail, ten, rest, after] = found;
      if ((rest && (tail || rest.length !== PLACES[ten])) || (after && !rest)) return null;
      const [high, low] = [scaled(digits, tail ?? "", decimals + PLACES[ten]), scaled(rest ?? "0", after ?? "", decimals)];
      size = high === null || low === null ? null : high + low;
    }
    return size === null ? null : found[1] === "-" ? -size : size;
  };
  const written = (n, decimals) => {
    const digits = String(n < 0n ? -n : n).padStart(decimals + 1, "0"),
      cut = digits.length - decimals;
    const grouped = digits.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",");
    return `${n < 0n ? "-" : ""}${grouped}${decimals ? `.${digits.slice(cut)}` : ""}`;
  };
  return { Exact, Mistake, evaluate, settle, hidden, amount, written };
})();
