
/** The version of the header as numbers; hb_version_string() tells the library's. */
#define HB_VERSION_MAJOR @MAJOR@
#define HB_VERSION_MINOR @MINOR@
#define HB_VERSION_PATCH @PATCH@
/** The version as one number that grows with every release. */
#define HB_VERSION_NUMBER \
  ((HB_VERSION_MAJOR * 1000000) + (HB_VERSION_MINOR * 1000) + HB_VERSION_PATCH)
/** The version as text. */
#define HB_VERSION "@MAJOR@.@MINOR@.@PATCH@"

/** Warns where a status is dropped. */
#if defined(__cplusplus) && __cplusplus >= 201703L
#define HB_MUST_USE [[nodiscard]]
#elif defined(__GNUC__) || defined(__clang__)
#define HB_MUST_USE __attribute__((warn_unused_result))
#else
#define HB_MUST_USE
#endif

/** Says that a function throws nothing. */
#if defined(__cplusplus)
#define HB_NOEXCEPT noexcept
#else
#define HB_NOEXCEPT
#endif

/** Fails to compile where a condition does not hold; the name is used once. */
#if defined(__cplusplus)
#define HB_STATIC_ASSERT(condition, name) static_assert(condition, #name)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define HB_STATIC_ASSERT(condition, name) _Static_assert(condition, #name)
#else
#define HB_STATIC_ASSERT(condition, name) extern const char name[(condition) ? 1 : -1]
#endif
