export const sibling = "sibling";
