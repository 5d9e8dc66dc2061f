use super::*;

fn verifies(stored: &str, password: &str) -> bool {
    Hash::parse(stored).unwrap_or_else(|error| panic!("{stored}: {error}")).verify(password)
}

/// Hashes made by passlib, argon2-cffi, bcrypt and pwdlib, with the verdict of the library that made them.
#[test]
fn hashes_of_the_python_libraries_verify() {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../tests/tryton/password-hashes.json")).unwrap();
    assert_eq!(cases.len(), 16);
    for case in &cases {
        let (password, stored) = (case["password"].as_str().unwrap(), case["hash"].as_str().unwrap());
        assert!(verifies(stored, password), "{stored}");
        assert!(!verifies(stored, &format!("X{password}")), "{stored}");
        assert!(!verifies(stored, ""), "{stored}");
    }
}

/// Vectors of the reference implementation (test.c), version 16 written without and with its number.
#[test]
fn argon2_version_16_verifies() {
    let sum = "9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";
    assert!(verifies(&format!("$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ${sum}"), "password"));
    assert!(verifies(&format!("$argon2i$v=16$m=65536,t=2,p=1$c29tZXNhbHQ${sum}"), "password"));
    assert!(!verifies(&format!("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ${sum}"), "password"));
}

/// The vector of the scrypt paper in the form of crypt.
#[test]
fn scrypt_in_the_form_of_crypt_verifies() {
    let stored = "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D";
    assert!(verifies(stored, "pleaseletmein"));
    assert!(!verifies(stored, "pleaseletmeout"));
}

#[test]
fn bcrypt_reads_72_bytes_and_refuses_nul() {
    let stored = "$2b$05$/HQ7Oso4hpTaypKaFgdu3OfTmRqe0563kJ1m0V2.cnKfc6/Hpip0i";
    assert!(verifies(stored, &"x".repeat(72)));
    assert!(verifies(stored, &"x".repeat(73)));
    assert!(!verifies(stored, &"x".repeat(71)));
    assert!(!verifies(stored, &format!("{}\0", "x".repeat(72))));
}

/// Noise in the unused bits of salt and sum, as old libraries wrote it, is ignored as passlib does.
#[test]
fn bcrypt_padding_bits_are_ignored() {
    // The last character of the salt carries two bits: `O` and `P` decode alike.
    assert!(verifies("$2a$05$3ZDiYUijwN1/oorAAFPI4PZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK", "gnusolidario"));
}

#[test]
fn passwords_over_4096_characters_are_refused() {
    use ::sha1::Digest as _;
    let stored = |password: &str| {
        let sum = ::sha1::Sha1::digest(password);
        let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha1${digits}$")
    };
    // 4096 characters of two bytes each.
    let longest = "ñ".repeat(LONGEST_PASSWORD);
    assert!(verifies(&stored(&longest), &longest));
    let longer = format!("{longest}x");
    assert!(!verifies(&stored(&longer), &longer));
}

#[test]
fn unknown_forms_are_refused() {
    let sum = "EHtUjud8+Y2ZlqRo/X+pgBHoOKMoGMRVn4AJkeDg3pU";
    for stored in [
        "",
        "garbage",
        "$",
        "$1$salt$sum",
        "$2x$05$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK",
        "$2b$5$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK",
        "$2b$03$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK",
        "$2b$05$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GY",
        "$2b$05$3ZDiYUijwN1/oorAAFPI4ñZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK",
        "bcrypt$",
        "$argon2id$v=19$m=65536,t=3,p=4$JIQwxngvJQRASCklJMS4tw",
        "$argon2id$v=19$m=65536,t=0,p=4$JIQwxngvJQRASCklJMS4tw$AAAA",
        "$argon2id$v=19$m=8,t=1,p=4294967295$JIQwxngvJQRASCklJMS4tw$EHtUjud8",
        "$argon2id$v=18$m=64,t=3,p=4$JIQwxngvJQRASCklJMS4tw$EHtUjud8",
        "$argon2id$v=19$m=64,t=3,p=4$JIQ$EHtUjud8",
        "$argon2x$v=19$m=64,t=3,p=4$JIQwxngvJQRASCklJMS4tw$EHtUjud8",
        &format!("$scrypt$ln=16,r=8,p=1,x=1$VQrBWGtNqXWOUSqlVGptDQ${sum}"),
        &format!("$scrypt$ln=16,r=0,p=1$VQrBWGtNqXWOUSqlVGptDQ${sum}"),
        &format!("$scrypt$ln=16,r=8,p=0$VQrBWGtNqXWOUSqlVGptDQ${sum}"),
        &format!("$scrypt$ln=16,r=8,p=1$VQrBWGtNqXWOUSqlVGptDQ${sum}$"),
        "$scrypt$ln=16,r=8,p=1$VQrBWGtNqXWOUSqlVGptDQ$",
        "$7$C6..../..",
        "$7$C6..../....salt$",
        "$pbkdf2-sha512$0$c24tZSzlvFcKYYyRUkpprQ$AAAA",
        "$pbkdf2-sha512$+1$c24tZSzlvFcKYYyRUkpprQ$AAAA",
        "sha1$66E32CC11B5AE9F8C2B9D3975CEB588DC9FD3FFB$aB3dE6gH",
        "sha1$66e3$aB3dE6gH",
    ] {
        assert_eq!(Hash::parse(stored).err(), Some(Unusable::Unknown), "{stored}");
    }
}

#[test]
fn hostile_costs_are_refused() {
    let sum = "EHtUjud8+Y2ZlqRo/X+pgBHoOKMoGMRVn4AJkeDg3pU";
    let sum512 = "UWWNDZf/GQv26UMVvnGwT0TTD8Z11YssTPivaaIxDqlmbOrfTU0pbHdn9cTGqxpx79HUjcugI87W9QI5ibzXKg";
    for stored in [
        format!("$argon2id$v=19$m=1048577,t=1,p=1$JIQwxngvJQRASCklJMS4tw${sum}"),
        format!("$argon2id$v=19$m=65536,t=4294967295,p=1$JIQwxngvJQRASCklJMS4tw${sum}"),
        format!("$scrypt$ln=21,r=8,p=1$VQrBWGtNqXWOUSqlVGptDQ${sum}"),
        format!("$scrypt$ln=4294967295,r=8,p=1$VQrBWGtNqXWOUSqlVGptDQ${sum}"),
        format!("$scrypt$ln=16,r=8,p=1000000$VQrBWGtNqXWOUSqlVGptDQ${sum}"),
        "$2b$31$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK".to_owned(),
        format!("$pbkdf2-sha512$4294967295$c24tZSzlvFcKYYyRUkpprQ${sum512}"),
        "$7$zzzzzz/....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D".to_owned(),
    ] {
        assert_eq!(Hash::parse(&stored).err(), Some(Unusable::TooCostly), "{stored}");
    }
}

#[test]
fn decoys_cost_the_same_and_never_verify() {
    for stored in [
        "$argon2d$v=19$m=1024,t=2,p=1$0PrfG2MM4TxHKGWsFSLEuA$B9m07QRyJdygBqJ3TEsd5kpgoWq9Pr4GGlIwvN1gfRU",
        "$scrypt$ln=8,r=8,p=2$8J4T4vy/t5by/l+rVcoZow$VBaRhaZfuzLoGESdMd1CRBnt2BLpXkpWS3P5BYoBtxQ",
        "$2a$05$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK",
        "$pbkdf2-sha512$1000$mFPqPec8B2DMeY9RyplzDg$8E6HK03x.HUks8kLIswskcAYxIE9FB/ZxvmCITF/LtWEBypMIQMHYXf9tBEXqvVQWvkLk5Mi5xNIIj44ZNjUUQ",
        "sha1$f4014b9a20b8b0b14b70eff2077fcbc13598eafb$",
    ] {
        let hash = Hash::parse(stored).unwrap();
        let decoy = Hash::decoy(hash.cost());
        assert_eq!(decoy.cost(), hash.cost());
        assert!(!decoy.verify("gnusolidario"));
    }
}

#[test]
fn debug_output_shows_no_salt_and_no_sum() {
    let hash = Hash::parse("sha1$f4014b9a20b8b0b14b70eff2077fcbc13598eafb$pepper").unwrap();
    assert_eq!(format!("{hash:?}"), "Sha1 <redacted>");
}

/// Not a test of correctness: prints how long one check takes. Run it in release with `--ignored --nocapture`.
#[test]
#[ignore = "prints timings"]
fn timings() {
    for stored in [
        "$argon2id$v=19$m=65536,t=3,p=4$JIQwxngvJQRASCklJMS4tw$EHtUjud8+Y2ZlqRo/X+pgBHoOKMoGMRVn4AJkeDg3pU",
        "$scrypt$ln=16,r=8,p=1$VQrBWGtNqXWOUSqlVGptDQ$nBA9qmdQ1hJ6Til1V8Tl8qezoEiOZZWfBc7ZW4mR0P4",
        "$2b$12$nBFnxGSMh87bh.ZQy/U6S.czOaKrKqTmU9TTyr2xnMYdadRVcyCsG",
        "$pbkdf2-sha512$25000$c24tZSzlvFcKYYyRUkpprQ$UWWNDZf/GQv26UMVvnGwT0TTD8Z11YssTPivaaIxDqlmbOrfTU0pbHdn9cTGqxpx79HUjcugI87W9QI5ibzXKg",
        "sha1$f4014b9a20b8b0b14b70eff2077fcbc13598eafb$",
    ] {
        let hash = Hash::parse(stored).unwrap();
        let mut times: Vec<_> = (0..5)
            .map(|_| {
                let start = std::time::Instant::now();
                assert!(hash.verify("gnusolidario"));
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{:?}: {:?}", hash.cost(), times[2]);
    }
}
