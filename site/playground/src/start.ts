/** @file The first page: links alone. */
import "./shell/index.js";
import "./start.css";
