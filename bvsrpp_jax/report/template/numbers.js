// Values: a text where JSON has no number ("inf", "-inf", "nan").

const NOT_FINITE = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const numberOf = (value) => (typeof value === "string" ? NOT_FINITE[value] : value);

function told(metric, value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return value.toFixed(metric.digits).replace("-", "−");
}

const withUnit = (metric, value) => `${told(metric, value)}${metric.unit && ` ${metric.unit}`}`;

function gainText(metric, value) {
  return `${value > 0 ? "+" : ""}${told(metric, value)}`;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// The worst value first; what is no number is worst.
const byWorse = (metric) => (a, b) => {
  const [x, y] = metric.higher_is_better ? [a, b] : [b, a];
  return Number.isNaN(x) ? -1 : Number.isNaN(y) ? 1 : x === y ? 0 : x - y;
};

// Round numbers within a range, about `count` of them.
function ticksOf(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}
