/** Throws from a function of its own. */

function deepInside(): never {
  throw new Error("boom");
}

deepInside();
