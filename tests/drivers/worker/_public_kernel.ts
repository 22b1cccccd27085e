/** Stands in for `@carmine/kernel`: a module that a task may import. */
export const kernel = "public";
