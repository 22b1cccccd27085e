import secret from "../_secret.json" with { type: "json" };
import { reached } from "./_attempt.ts";

reached(`the secret: ${secret.secret}`);
